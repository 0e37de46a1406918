"""The worker's side of supervision: say when it is ready, end when the supervisor has.

Two pipes tie the processes. The worker writes to the report pipe: that it is ready, or why it cannot start. The
supervisor never writes to the lifeline and alone holds its other end, so its end reaches every worker as the end of a
file, whatever killed it. Counterpart: `processes.py`.
"""

import ctypes
import os
import signal
import sys
from asyncio import AbstractEventLoop

READY = b"ready"
MAX_REPORT = 4_096
"""Bytes; what a pipe takes at once."""

_PR_SET_PDEATHSIG = 1
# Loaded before the fork: to load a library is no business of a child's first instant.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Reports:
    """What a worker tells its supervisor; one report, then the pipe is closed."""

    def __init__(self, report: int, lifeline: int) -> None:
        self._report = report
        self._lifeline = lifeline

    def ready(self) -> None:
        """All listeners accept."""
        self._tell(READY)

    def cannot_start(self, reason: str) -> None:
        """Something that a person has to put right."""
        self._tell(reason.encode()[:MAX_REPORT])

    def end_with_supervisor(self, loop: AbstractEventLoop) -> None:
        """Watch the lifeline."""
        loop.add_reader(self._lifeline, _end)

    def _tell(self, report: bytes) -> None:
        os.write(self._report, report)
        os.close(self._report)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, where it can: also in the middle of a computation."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _end()


def _end() -> None:
    """Without a supervisor nobody would ever end this process; what is not committed is not acknowledged."""
    os.kill(os.getpid(), signal.SIGKILL)
