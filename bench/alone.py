"""One benchmark at a time: two would share ports and workspace, and spoil each other's figures."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.failures import BenchError


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the lock while the block runs. Raises `BenchError` when somebody else holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchError("Another benchmark is running on this machine: wait for it to end.") from None
        yield
