"""A slot: a set of listening sockets, and the workers that accept from it, one after the other.

As a rule one serves. In a roll its relief starts beside it and takes over once it is ready; the old one then leaves,
which takes as long as its connections. Decides nothing; counterpart: `supervisor.py`, which does.
"""

from collections.abc import Iterator

from homeport.endpoints.listening_sockets import BoundSockets
from homeport.supervision.processes import WorkerProcess
from homeport.supervision.restarts import Restarts


class Slot:
    """One slot and its workers."""

    def __init__(self, number: int, sockets: BoundSockets) -> None:
        self.number = number
        self.sockets = sockets
        self.serving: WorkerProcess | None = None
        self.relief: WorkerProcess | None = None
        self.leaving: list[WorkerProcess] = []
        self.restarts = Restarts()
        self.due: float | None = None
        """When a worker is to be started, after one has died."""

    def processes(self) -> Iterator[WorkerProcess]:
        """All that have not ended."""
        yield from (each for each in (self.serving, self.relief) if each is not None)
        yield from self.leaving

    @property
    def is_rolling(self) -> bool:
        """Whether a change of workers is under way."""
        return self.relief is not None or bool(self.leaving)

    @property
    def is_ready(self) -> bool:
        """Whether connections are accepted."""
        return self.serving is not None and self.serving.is_ready

    def free_shift(self) -> int:
        """A shift that no living worker of the slot has; there are never more than two."""
        return 0 if all(process.seat.shift for process in self.processes()) else 1

    def take(self, process: WorkerProcess) -> None:
        """A worker has started: to serve, or to relieve the one that does."""
        self.due = None
        if self.serving is None:
            self.serving = process
        else:
            self.relief = process

    def relieve(self) -> WorkerProcess | None:
        """The relief is ready and serves from now on; returns the worker that is to leave."""
        old, self.serving, self.relief = self.serving, self.relief, None
        if old is not None:
            self.leaving.append(old)
        return old

    def remove(self, process: WorkerProcess) -> bool:
        """A worker has ended; returns whether it was the one that served. Its relief, if any, steps in."""
        if process is self.serving:
            self.serving, self.relief = self.relief, None
            return True
        if process is self.relief:
            self.relief = None
        else:
            self.leaving.remove(process)
        return False
