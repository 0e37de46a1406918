"""Faults of the kernel's interface, injected into a running server by strace(1): what a process asks fails or is slow.

A file system that has turned read-only under open files answers each write with EROFS; it cannot be had by `mount`,
which refuses while a file is open for writing, and a real one cannot be mended while files are open. Here the fault
ends when it is told to.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sockets.server_process import ServerProcess

_WRITES = "pwrite64,ftruncate,fallocate,fsync,fdatasync"
_SYNCS = "fsync,fdatasync"
_ATTACH_SECONDS = 30


@contextmanager
def read_only(server: ServerProcess) -> Iterator[None]:
    """Every write to a file fails as on a read-only file system, while the block runs. Sockets are none."""
    with _injected(server, _WRITES, "error=EROFS"):
        yield


@contextmanager
def slow_syncs(server: ServerProcess, seconds: float) -> Iterator[None]:
    """Every wait for the disk lasts so long, while the block runs."""
    with _injected(server, _SYNCS, f"delay_enter={round(seconds * 1_000_000)}"):
        yield


@contextmanager
def _injected(server: ServerProcess, calls: str, fault: str) -> Iterator[None]:
    call = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}"]
    call += [word for process in server.processes() for word in ("-p", str(process))]
    with subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tracer:
        try:
            _wait_until_attached(tracer, server.processes())
            yield
        finally:
            tracer.terminate()


def _wait_until_attached(tracer: "subprocess.Popen[bytes]", processes: list[int]) -> None:
    deadline = time.monotonic() + _ATTACH_SECONDS
    while not all(_is_traced(process) for process in processes):
        assert tracer.poll() is None, tracer.stderr and tracer.stderr.read().decode()
        assert time.monotonic() < deadline, "strace has not attached in time"
        time.sleep(0.01)


def _is_traced(process: int) -> bool:
    """Whether every thread of it is."""
    threads = list(Path(f"/proc/{process}/task").iterdir())
    return all("TracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)
