"""The worker's side of supervision: say when it is ready and that it is alive, end when the supervisor has.

Two pipes tie the processes. The worker writes to the report pipe: that it is ready, or why it cannot start; and then,
from its event loop, a beat each second. The supervisor never writes to the lifeline and alone holds its other end, so
its end reaches every worker as the end of a file, whatever killed it. Counterpart: `processes.py`.
"""

import ctypes
import faulthandler
import os
import signal
import sys
from asyncio import AbstractEventLoop
from contextlib import suppress

READY = b"ready\n"
MAX_REPORT = 4_096
"""Bytes; what a pipe takes at once."""

TELL_STACKS = signal.SIGUSR2
"""To a worker: write to standard error where each of its threads is; lines of code, and no values."""

_BEAT = b"."
_BEAT_SECONDS = 1.0

_PR_SET_PDEATHSIG = 1
# Loaded before the fork: to load a library is no business of a child's first instant.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Reports:
    """What a worker tells its supervisor: one report, and that it is alive."""

    def __init__(self, report: int, lifeline: int) -> None:
        self._report = report
        self._lifeline = lifeline

    def ready(self) -> None:
        """All listeners accept."""
        os.write(self._report, READY)

    def cannot_start(self, reason: str) -> None:
        """Something that a person has to put right; the last word."""
        os.write(self._report, reason.encode()[:MAX_REPORT])
        os.close(self._report)

    def beat(self, loop: AbstractEventLoop) -> None:
        """Beat for as long as the loop runs: if it stands still, whoever is connected here waits in vain."""
        os.set_blocking(self._report, False)
        self._beat(loop)

    def end_with_supervisor(self, loop: AbstractEventLoop) -> None:
        """Watch the lifeline."""
        loop.add_reader(self._lifeline, _end)

    def _beat(self, loop: AbstractEventLoop) -> None:
        # Nobody reads while the supervisor is stopped; a full pipe tells it enough.
        with suppress(BlockingIOError):
            os.write(self._report, _BEAT)
        loop.call_later(_BEAT_SECONDS, self._beat, loop)


def tell_stacks_if_asked() -> None:
    """Obey `TELL_STACKS`, also while Python itself is stuck."""
    faulthandler.register(TELL_STACKS, all_threads=True)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, where it can: also in the middle of a computation."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _end()


def _end() -> None:
    """Without a supervisor nobody would ever end this process; what is not committed is not acknowledged."""
    os.kill(os.getpid(), signal.SIGKILL)
