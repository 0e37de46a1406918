"""A worker's process as its supervisor has it: forked, signalled, reaped.

The child goes on with what the parent has loaded (fast, and most of its memory stays shared); so the parent must have
no thread, no event loop and no open database at that moment. Counterpart: `worker.py`, the child's side.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from homeport.supervision.seat import Seat
from homeport.supervision.worker import (
    MAX_REPORT,
    READY,
    TELL_STACKS,
    Reports,
    die_with_parent,
    tell_stacks_if_asked,
)

Work = Callable[[Seat, Reports], int]
"""What a worker does in its process; returns its exit code."""

HANDLED = (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""The supervisor's signals."""

LEAVE = signal.SIGUSR1
"""To a worker: another one serves in its slot. It has a handler for it before it reports that it is ready."""


class WorkerProcess:
    """One worker. Made by `fork`."""

    def __init__(self, seat: Seat, pid: int, report: int, *, started_at: float, overdue_at: float) -> None:
        self.seat = seat
        self.pid = pid
        self.report: int | None = report
        """The file descriptor to hear the worker by, until it says nothing more."""
        self.started_at = started_at
        self.overdue_at: float | None = overdue_at
        """When it must be ready, or have ended; None while it serves."""
        self.is_ready = False
        self.heard_at: float | None = None
        """When it last said something, by the clock of `hear`; None unless it serves."""
        self.reason = ""
        """Why it cannot start, if it has said so."""

    def hear(self, now: float) -> None:
        """Take what the worker says: its report, beats, or the end of the pipe."""
        assert self.report is not None
        said = os.read(self.report, MAX_REPORT)
        if not self.is_ready and said.startswith(READY):
            self.is_ready, self.overdue_at, self.heard_at = True, None, now
        elif not self.is_ready or not said:
            self.reason = said.decode(errors="replace")
            os.close(self.report)
            self.report = None
        elif self.heard_at is not None:
            self.heard_at = now

    def is_silent(self, now: float, seconds: float) -> bool:
        """Whether it serves, as far as one knows, and has not been heard for so long."""
        return self.heard_at is not None and now - self.heard_at >= seconds

    def stop(self, *, overdue_at: float) -> None:
        """Have it drain and end."""
        self._end(signal.SIGTERM, overdue_at)

    def leave(self, *, overdue_at: float) -> None:
        """Have it end as its peers allow; its relief serves."""
        self._end(LEAVE, overdue_at)

    def tell_stacks(self, *, overdue_at: float) -> None:
        """Have it write down where it is stuck, as long as it can; then it is killed."""
        self._end(TELL_STACKS, overdue_at)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL, None)

    def reap(self) -> int | None:
        """Its exit code once it has ended; negative: the signal that ended it."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def _end(self, number: signal.Signals, overdue_at: float | None) -> None:
        self.heard_at, self.overdue_at = None, overdue_at
        # It has not been reaped, so nobody else can have its number.
        os.kill(self.pid, number)


def fork(
    work: Work, seat: Seat, *, lifeline: int, let_go: Callable[[], None], times: tuple[float, float]
) -> WorkerProcess:
    """Start a worker; `times` are now, and when it has to be ready.

    `lifeline` is the pipe's reading end; `let_go` closes in the child what is the supervisor's alone.
    """
    assert threading.active_count() == 1, "a lock that another thread holds would never be released in the child"
    reading, writing = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    with _no_signals():
        pid = os.fork()
        if not pid:
            os.close(reading)
            let_go()
            _forget_signals()
    if pid:
        os.close(writing)
        return WorkerProcess(seat, pid, reading, started_at=times[0], overdue_at=times[1])
    die_with_parent(parent)
    tell_stacks_if_asked()
    _live(work, seat, Reports(writing, lifeline))


def _live(work: Work, seat: Seat, reports: Reports) -> NoReturn:
    """The child's life; nothing of the parent's stack is returned to."""
    code = 1
    try:
        code = work(seat, reports)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _forget_signals() -> None:
    """The supervisor's handlers are not ours. A terminal's Ctrl-C and hang-up go to every process of its group, but the
    supervisor decides what they mean."""
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _no_signals() -> Iterator[None]:
    """A signal to the child must not be written to the supervisor's wake-up pipe, which it still shares."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
