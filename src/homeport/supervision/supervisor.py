"""The supervisor: a small process that starts workers, watches them, restarts, rolls and stops them.

It holds the listening sockets and never accepts: a connection that knocks at a slot whose worker has died waits there
for the next one. A worker that beats no more is as good as dead to whoever is connected to it, and is killed. It has no
event loop, no thread and no database, so that it may fork at any time. Knows nothing of what its workers do (`Work`).
Signals: SIGTERM and SIGINT stop (a second one at once), SIGHUP rolls.
"""

import os
import selectors
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from homeport.clock import Clock
from homeport.config import ConfigError
from homeport.endpoints.listening_sockets import BoundSockets, close
from homeport.supervision.processes import HANDLED, Work, WorkerProcess, fork
from homeport.supervision.seat import Seat
from homeport.supervision.signals import signals_on_pipe
from homeport.supervision.slots import Slot

_START_SECONDS = 60.0
"""What a worker has to become ready; then it is killed."""
_STACKS_SECONDS = 2.0
"""What a worker that stands still has to write down where."""
_LOOK_SECONDS = 1.0
"""How often workers that serve are looked at."""


class SupervisorReports(Protocol):
    """Where is told what happens to workers: log and metrics. `worker` is a seat's label."""

    def worker_ready(self, worker: str, *, pid: int) -> None: ...

    def worker_ended(self, worker: str, *, pid: int, exit_code: int, reason: str) -> None: ...

    def worker_restarting(self, worker: str, *, pause: float) -> None: ...

    def worker_overdue(self, worker: str, *, pid: int) -> None: ...

    def worker_silent(self, worker: str, *, pid: int, seconds: float) -> None: ...

    def rolling(self) -> None: ...

    def rolled(self) -> None: ...

    def roll_given_up(self, worker: str) -> None: ...

    def configuration_refused(self, reason: str) -> None: ...

    def supervisor_stopping(self, *, at_once: bool) -> None: ...


class CannotStart(Exception):
    """A worker did not become ready at the start; the message says why."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What workers do, and how long one may take to end when all are to stop, and when it has been relieved; and how
    long one that serves may be silent."""

    work: Work
    stop_seconds: float
    leave_seconds: float
    silence_seconds: float = 30.0


class Supervisor:
    """One node's supervisor. A worker for each of `sets`; `reread` makes the plan anew at SIGHUP, or raises
    ConfigError."""

    def __init__(
        self,
        plan: Plan,
        sets: Sequence[BoundSockets],
        *,
        node: str,
        run_directory: Path,
        reread: Callable[[], Plan],
        reports: SupervisorReports,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._slots = [Slot(number, sockets) for number, sockets in enumerate(sets)]
        self._node = node
        self._run_directory = run_directory
        self._reread = reread
        self._reports = reports
        self._clock = clock
        self._to_roll: deque[Slot] = deque()
        self._rolling = False
        self._announced = False
        self._stopping = False
        self._killed = False
        self._failure = ""
        self._awake = 0.0
        self._looked_at = clock.monotonic()

    def run(self, announce: Callable[[], None]) -> int:
        """Supervise until told to stop; `announce` is called once all workers are ready. Returns the exit code.

        Raises:
            CannotStart: a worker ended before all of them were ready.
        """
        self._announce = announce
        self._lifeline = os.pipe()
        with signals_on_pipe(HANDLED) as self._signals, selectors.DefaultSelector() as self._selector:
            self._selector.register(self._signals.reading, selectors.EVENT_READ, self._signalled)
            for slot in self._slots:
                self._start(slot)
            while not self._stopping or any(True for _ in self._workers()):
                self._turn()
        for end in self._lifeline:
            os.close(end)
        if self._failure:
            raise CannotStart(self._failure)
        return 1 if self._killed else 0

    # --- the loop ---------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Wait for something to happen, or to be due, and do it."""
        for key, _ in self._selector.select(self._pause()):
            key.data()
        now = self._clock.monotonic()
        self._stay_awake(now)
        for _, process in self._workers():
            if process.is_silent(self._awake, self._plan.silence_seconds):
                self._reports.worker_silent(process.seat.label, pid=process.pid, seconds=self._plan.silence_seconds)
                process.tell_stacks(overdue_at=now + _STACKS_SECONDS)
            elif process.overdue_at is not None and process.overdue_at <= now:
                self._reports.worker_overdue(process.seat.label, pid=process.pid)
                process.kill()
        for slot in self._slots:
            if slot.due is not None and slot.due <= now:
                self._start(slot)
        self._roll_on()

    def _stay_awake(self, now: float) -> None:
        """Count the time that silence is measured in: while the supervisor was stopped, or its machine, so were its
        workers, and none is to blame."""
        self._awake += min(now - self._looked_at, _LOOK_SECONDS)
        self._looked_at = now

    def _pause(self) -> float:
        times = [slot.due for slot in self._slots] + [process.overdue_at for _, process in self._workers()]
        due = [each for each in times if each is not None]
        now = self._clock.monotonic()
        return max(0.0, min([*due, now + _LOOK_SECONDS]) - now)

    def _workers(self) -> Iterator[tuple[Slot, WorkerProcess]]:
        return ((slot, process) for slot in self._slots for process in slot.processes())

    # --- starting ---------------------------------------------------------------------------------------------

    def _start(self, slot: Slot) -> None:
        now = self._clock.monotonic()
        seat = Seat(
            node=self._node,
            slot=slot.number,
            shift=slot.free_shift(),
            workers=len(self._slots),
            run_directory=self._run_directory,
            sockets=slot.sockets,
        )
        process = fork(
            self._plan.work,
            seat,
            lifeline=self._lifeline[0],
            let_go=lambda: self._let_go(slot),
            times=(now, now + _START_SECONDS),
        )
        slot.take(process)
        assert process.report is not None
        self._selector.register(process.report, selectors.EVENT_READ, lambda: self._report_came(slot, process))

    def _let_go(self, kept: Slot) -> None:
        """In a child: close what is the supervisor's, and what is other workers'."""
        for _, process in self._workers():
            if process.report is not None:
                os.close(process.report)
        self._selector.close()
        self._signals.close()
        os.close(self._lifeline[1])
        for slot in self._slots:
            if slot is not kept:
                close(slot.sockets)

    def _report_came(self, slot: Slot, process: WorkerProcess) -> None:
        report, was_ready = process.report, process.is_ready
        if report is None:
            return
        process.hear(self._awake)
        if process.report is None:
            self._selector.unregister(report)
        if process.is_ready and not was_ready:
            self._became_ready(slot, process)

    def _became_ready(self, slot: Slot, process: WorkerProcess) -> None:
        self._reports.worker_ready(process.seat.label, pid=process.pid)
        if process is slot.relief:
            old = slot.relieve()
            if old is not None:
                old.leave(overdue_at=self._clock.monotonic() + self._plan.leave_seconds)
        if not self._announced and not self._stopping and all(each.is_ready for each in self._slots):
            self._announced = True
            self._announce()

    # --- ends -------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        for slot, process in list(self._workers()):
            exit_code = process.reap()
            if exit_code is not None:
                self._ended(slot, process, exit_code)

    def _ended(self, slot: Slot, process: WorkerProcess, exit_code: int) -> None:
        # It may have said something since the last look.
        self._report_came(slot, process)
        is_relief = process is slot.relief
        served = slot.remove(process)
        self._reports.worker_ended(process.seat.label, pid=process.pid, exit_code=exit_code, reason=process.reason)
        if self._stopping:
            return
        if not self._announced:
            self._failure = process.reason or f"A worker ended with exit code {exit_code} before it was ready."
            self._stop()
        elif is_relief:
            self._to_roll.clear()
            self._rolling = False
            self._reports.roll_given_up(process.seat.label)
        elif served and slot.serving is None:
            now = self._clock.monotonic()
            pause = slot.restarts.pause_after(now - process.started_at)
            slot.due = now + pause
            self._reports.worker_restarting(process.seat.label, pause=pause)

    # --- signals ----------------------------------------------------------------------------------------------

    def _signalled(self) -> None:
        for number in self._signals.take():
            if number == signal.SIGCHLD:
                self._reap()
            elif number == signal.SIGHUP:
                self._roll()
            elif self._stopping:
                self._kill()
            else:
                self._stop()

    def _stop(self) -> None:
        """All workers drain at once. Our half of the sockets is closed first: nobody shall wait for a next worker."""
        self._stopping = True
        self._to_roll.clear()
        self._reports.supervisor_stopping(at_once=False)
        overdue_at = self._clock.monotonic() + self._plan.stop_seconds
        for slot in self._slots:
            slot.due = None
            close(slot.sockets)
        for _, process in self._workers():
            process.stop(overdue_at=overdue_at)

    def _kill(self) -> None:
        self._killed = True
        self._reports.supervisor_stopping(at_once=True)
        for _, process in self._workers():
            process.kill()

    def _roll(self) -> None:
        """Read the configuration again, and give every slot a worker that has it; one slot after the other."""
        if self._stopping:
            return
        try:
            self._plan = self._reread()
        except ConfigError as error:
            self._reports.configuration_refused(str(error))
            return
        self._reports.rolling()
        self._rolling = True
        self._to_roll = deque(self._slots)

    def _roll_on(self) -> None:
        if not self._rolling or self._stopping or any(slot.is_rolling for slot in self._slots):
            return
        if self._to_roll:
            self._start(self._to_roll.popleft())
        else:
            self._rolling = False
            self._reports.rolled()
