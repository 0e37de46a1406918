"""Group commit: many callers' writes, one transaction, one wait for the disk.

Callers on the event loop submit works; while there are any, one task takes them in batches to a `Batches` (the
engine's part) and wakes the callers when their batch is durable. A lone write goes at once; while several are in
flight the task waits for more as long as more come, and `linger` at most, since under load a commit costs more than a
write. A commit that lasts longer than `OVERDUE` keeps nobody waiting: who is in it, behind it or comes before its end
is told that storage is unavailable. Knows neither SQL nor what a write means.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from homeport.storage.port import StorageUnavailable

T = TypeVar("T")
Context = TypeVar("Context")
Context_co = TypeVar("Context_co", covariant=True)
Work = Callable[[Context], Awaitable[Any]]
"""What a caller wants done inside a transaction. It may run more than once, all but the last time undone."""

MAX_BATCH = 128
"""Works in one transaction at most: more save nothing, and the event loop stands still while they are done."""
ENOUGH = 64
"""With so many waiting already, lingering saves nothing."""
STEPS = 3
"""Parts of the linger; one in which nobody comes is the last."""
PATIENCE = 4
"""Lone batches after a shared one for which the task goes on lingering."""
OVERDUE = 10.0
"""Seconds that a batch may take, the wait for another process's lock included. Devices wait for half a minute."""


class Outcome:
    """How one work ended: a result, or an exception for its caller."""

    __slots__ = ("error", "result")

    def __init__(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result = result
        self.error = error


class Batches(Protocol[Context_co]):
    """The engine's part."""

    async def commit(self, works: Sequence[Work[Context_co]], *, heavy: bool) -> Sequence[Outcome]:
        """Do all in one transaction, durable on return; one outcome each. A work that fails is undone alone.

        `heavy` works take long enough to be kept off the event loop.
        """
        ...


class _Submission:
    __slots__ = ("future", "heavy", "work")

    def __init__(self, work: Work[Any], future: "asyncio.Future[Any]", heavy: bool) -> None:
        self.work = work
        self.future = future
        self.heavy = heavy

    def resolve(self, outcome: Outcome) -> None:
        if self.future.done():
            return  # The caller was cancelled.
        if outcome.error is not None:
            self.future.set_exception(outcome.error)
        else:
            self.future.set_result(outcome.result)


class GroupCommitWriter(Generic[Context]):
    """The queue and the task that empties it; one event loop at a time. `linger` is in seconds; 0 never waits."""

    def __init__(self, batches: Batches[Context], *, linger: float, overdue: float = OVERDUE) -> None:
        self._batches = batches
        self._linger = linger
        self._overdue_after = overdue
        self._is_overdue = False
        self._queue: deque[_Submission] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        self._patience = 0

    async def submit(self, work: Callable[[Context], Awaitable[T]], *, heavy: bool = False) -> T:
        """Do `work` in a transaction; returns its result when that is durable, or raises what it raised.

        A caller that is cancelled does not learn whether its work was done.

        Raises:
            StorageUnavailable: nothing was written, or it is not known: a commit that is overdue may still happen.
        """
        if self._closed:
            raise StorageUnavailable("The database is closed.")
        if self._is_overdue:
            raise self._overdue()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.append(_Submission(work, future, heavy))
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Take nothing more, and return when all that is queued is durable."""
        self._closed = True
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        try:
            while self._queue:
                await self._wait_for_company()
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
                for submission, outcome in zip(batch, await self._commit_watched(batch), strict=True):
                    submission.resolve(outcome)
        finally:
            self._running = None
            self._queue.clear()  # Not empty only if the event loop ends; then nobody waits any more.

    async def _wait_for_company(self) -> None:
        waiting = len(self._queue)
        if self._linger and waiting < ENOUGH and not self._closed and (waiting > 1 or self._patience):
            await self._linger_while_more_come()
        self._patience = PATIENCE if len(self._queue) > 1 else max(0, self._patience - 1)

    async def _linger_while_more_come(self) -> None:
        for _ in range(STEPS):
            before = len(self._queue)
            await asyncio.sleep(self._linger / STEPS)
            if len(self._queue) == before or len(self._queue) >= ENOUGH:
                return

    async def _commit_watched(self, batch: Sequence[_Submission]) -> Sequence[Outcome]:
        watch = asyncio.get_running_loop().call_later(self._overdue_after, self._give_up, batch)
        try:
            return await self._commit(batch)
        finally:
            watch.cancel()
            self._is_overdue = False

    def _give_up(self, batch: Sequence[_Submission]) -> None:
        """Tell all who wait. The batch cannot be stopped; what has not begun is not done."""
        self._is_overdue = True
        for submission in (*batch, *self._queue):
            submission.resolve(Outcome(error=self._overdue()))
        self._queue.clear()

    def _overdue(self) -> StorageUnavailable:
        return StorageUnavailable(f"The database has not finished a commit within {self._overdue_after:g} seconds.")

    async def _commit(self, batch: Sequence[_Submission]) -> Sequence[Outcome]:
        heavy = any(submission.heavy for submission in batch)
        try:
            return await self._batches.commit([submission.work for submission in batch], heavy=heavy)
        except Exception as error:  # The task must outlive every error; each waiter learns of this one.
            return [Outcome(error=StorageUnavailable(f"The database failed: {error}")) for _ in batch]
