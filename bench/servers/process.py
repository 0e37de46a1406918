"""Running a server for the length of a `with` block, and the guard that keeps its figures honest.

A port that answers before the server was started belongs to somebody else, and would be measured in its
place (as nought microseconds of processor time). So that is refused.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.failures import BenchError

START_SECONDS = 20
STOP_SECONDS = 20


@dataclass(frozen=True)
class Endpoint:
    """A numeric address and a port."""

    address: str
    port: int

    def answers(self) -> bool:
        """Whether somebody accepts connections there."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, self.port)) == 0

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Server:
    """A running server: what it is called in reports, the root of its process tree, where it listens."""

    name: str
    pid: int
    tls: Endpoint
    plain: Endpoint | None = None


def refuse_answering(endpoints: Sequence[Endpoint]) -> None:
    """Raises `BenchError` when a port that is about to be bound is already served."""
    for endpoint in endpoints:
        if endpoint.answers():
            raise BenchError(f"Somebody already answers on {endpoint}: stop it, or its cost would be measured.")


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[int]:
    """Run the command, wait until it is ready, yield its process ID, stop it with SIGTERM.

    `environment` is added to the benchmark's own.

    Raises `BenchError` with the end of its log when it ends early or is not ready in time.
    """
    with log.open("wb") as output:
        # A session of its own, so that Ctrl-C reaches only the benchmark, which then stops its servers.
        process = subprocess.Popen(
            command,
            env=os.environ | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, log, is_ready)
        yield process.pid
        if process.poll() is not None:
            raise BenchError(f"{command[0]} ended while it was measured:\n{_tail(log)}")
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"{process.args!r} did not start:\n{_tail(log)}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
