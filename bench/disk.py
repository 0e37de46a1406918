"""What stands between a server and the disk: a shim that counts its waits for the disk, and can make each slower.

Loaded into the server by `LD_PRELOAD`; counterpart: `shim/disk.c`. A slow disk is then the same disk, later: nothing of
the server is replaced, and a commit costs it no more processor time than before.
"""

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.failures import BenchError

SOURCE = Path(__file__).parent / "shim" / "disk.c"
_COUNTER = struct.Struct("=Q")


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A shim and the file that it counts in, for one server; `delay_ms` is added to each wait."""

    library: Path
    counter: Path
    delay_ms: float = 0

    @property
    def environment(self) -> dict[str, str]:
        """What the server is started with."""
        return {
            "LD_PRELOAD": str(self.library),
            "BENCH_DISK_COUNTER": str(self.counter),
            "BENCH_DISK_DELAY_US": str(round(self.delay_ms * 1000)),
        }

    @property
    def waits(self) -> int:
        """How often the server's processes have waited for the disk so far."""
        return int(_COUNTER.unpack(self.counter.read_bytes())[0])


def make_disk(directory: Path, *, delay_ms: float = 0) -> Disk:
    """Compile the shim into this directory, and start counting from nought.

    Raises:
        BenchError: there is no C compiler, or it does not take the shim.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchError("The disk's shim is written in C: install a C compiler (Debian: gcc).")
    directory.mkdir(parents=True, exist_ok=True)
    library, counter = directory / "disk.so", directory / "waits"
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    done = subprocess.run([compiler, *flags, str(SOURCE)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"The disk's shim could not be built:\n{done.stderr}")
    counter.write_bytes(_COUNTER.pack(0))
    return Disk(library=library, counter=counter, delay_ms=delay_ms)
