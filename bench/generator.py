"""The load generator as the cases see it: built once from `load/*.c`, run, and its JSON line read.

Its counterpart is `load/main.c`, which says what each mode does. It answers only when every operation has
succeeded, so a result is never an average over refusals.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.failures import BenchError
from bench.servers.process import Endpoint

SOURCE = Path(__file__).parent / "load"
BUILD = Path(__file__).parent / "build"
TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The devices of one run: their ID scope, the key theirs are derived from, and their numbers.

    `certificates` is a file with one for each of them (`device_certificates.py`), which they then present instead of
    tokens.
    """

    id_scope: str = "0ne00000000"
    group_key: str
    prefix: str
    stride: int = 1
    size: int = 1
    certificates: Path | None = None


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What the generator saw; processor time is the client's own, never the server's."""

    operations: int
    seconds: float
    client_cpu_seconds: float
    latency_p50_us: float
    latency_p90_us: float
    latency_p99_us: float
    latency_max_us: float
    certificate_requests: int
    session_tickets: int


@dataclass(frozen=True)
class Generator:
    """The built load generator. Its devices share so many threads; without a number, each has its own."""

    binary: Path
    threads: int | None = None

    def run(self, mode: str, endpoint: Endpoint, fleet: Fleet, *, operations: int, devices: int) -> LoadResult:
        """Do so many operations, with so many devices at the same time.

        Raises `BenchError` with the first failure when any of them failed.
        """
        threads = self.threads or devices
        command = [
            *self._command(mode, endpoint, fleet, operations),
            *("--devices", str(devices), "--threads", str(threads)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        if done.returncode != 0:
            raise BenchError(f"{mode} against {endpoint}: {done.stderr.strip()}")
        return LoadResult(**json.loads(done.stdout))

    @contextmanager
    def idle_connections(self, endpoint: Endpoint, fleet: Fleet, count: int) -> Iterator[None]:
        """So many subscribed MQTT connections, held open while the block runs."""
        command = self._command("mqtt-idle", endpoint, fleet, count)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            _wait_until_held(process, count)
            yield
            process.communicate("")

    def _command(self, mode: str, endpoint: Endpoint, fleet: Fleet, operations: int) -> list[str]:
        options: dict[str, Any] = {
            "--id-scope": fleet.id_scope,
            "--group-key": fleet.group_key,
            "--prefix": fleet.prefix,
            "--stride": fleet.stride,
            "--fleet-size": fleet.size,
            "--operations": operations,
        }
        if fleet.certificates is not None:
            options["--credentials"] = fleet.certificates
        words = [str(word) for option in options.items() for word in option]
        return [str(self.binary), mode, endpoint.address, str(endpoint.port), *words]


def build(directory: Path = BUILD) -> Generator:
    """Compile the generator with the system's compiler. Raises `BenchError` when that cannot be done."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchError("The load generator is written in C: install a C compiler (Debian: gcc, libssl-dev).")
    directory.mkdir(exist_ok=True)
    binary = directory / "homeport-load"
    sources = sorted(str(file) for file in SOURCE.glob("*.c"))
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(binary)]
    done = subprocess.run(
        [compiler, *flags, *sources, "-lssl", "-lcrypto", "-lpthread"], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BenchError(f"The load generator could not be built (it needs libssl-dev):\n{done.stderr}")
    return Generator(binary)


def _wait_until_held(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{count} idle connections: {process.communicate()[1].strip()}")
