"""Group commit: many callers' writes, one transaction, one wait for the disk.

One thread takes what callers on event loops submit, hands it in batches to a `Batches` (the engine's part) and
resolves the callers' futures when the batch is durable. A lone write goes at once; while several are in
flight the thread waits `linger` for more, since under load the commit costs more than the write. Knows neither
SQL nor what a write means.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from homeport.storage.port import StorageUnavailable

T = TypeVar("T")
Context = TypeVar("Context")
Context_co = TypeVar("Context_co", covariant=True)
Work = Callable[[Context], Any]
"""What a caller wants done inside a transaction. It may run twice, the first time undone."""

MAX_BATCH = 512
"""Works in one transaction at most; bounds what one caller waits for."""
ENOUGH = 64
"""With so many waiting already, lingering saves nothing."""
PATIENCE = 4
"""Lone batches after a shared one for which the thread goes on lingering."""


class Outcome:
    """How one work ended: a result, or an exception for its caller."""

    __slots__ = ("error", "result")

    def __init__(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result = result
        self.error = error


class Batches(Protocol[Context_co]):
    """The engine's part."""

    def commit(self, works: Sequence[Work[Context_co]]) -> Sequence[Outcome]:
        """Do all in one transaction, durable on return; one outcome each. A work that fails is undone alone."""
        ...


class _Submission:
    __slots__ = ("future", "work")

    def __init__(self, work: Work[Any], future: "asyncio.Future[Any]") -> None:
        self.work = work
        self.future = future


class GroupCommitWriter(Generic[Context]):
    """The thread and its queue. `linger` is in seconds; 0 never waits."""

    def __init__(self, batches: Batches[Context], *, linger: float, name: str) -> None:
        self._batches = batches
        self._linger = linger
        self._queue: SimpleQueue[_Submission | None] = SimpleQueue()
        self._closing = threading.Event()
        self._patience = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[Context], T]) -> T:
        """Do `work` in a transaction; returns its result when that is durable, or raises what it raised.

        A caller that is cancelled does not learn whether its work was done.

        Raises:
            StorageUnavailable: nothing was written.
        """
        if self._closing.is_set():
            raise StorageUnavailable("The database is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Submission(work, future))
        return await future

    async def close(self) -> None:
        """Commit what is queued, then end the thread."""
        if not self._closing.is_set():
            self._closing.set()
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = self._gather(first)
            outcomes = self._commit(batch)
            _deliver(batch, outcomes)
        rest = self._drain([])
        if rest:
            _deliver(rest, self._commit(rest))

    def _gather(self, first: _Submission) -> list[_Submission]:
        waiting = self._queue.qsize()
        if self._linger and waiting < ENOUGH and (waiting or self._patience):
            self._closing.wait(self._linger)
        batch = self._drain([first])
        self._patience = PATIENCE if len(batch) > 1 else max(0, self._patience - 1)
        return batch

    def _drain(self, batch: list[_Submission]) -> list[_Submission]:
        while len(batch) < MAX_BATCH:
            try:
                submission = self._queue.get_nowait()
            except Empty:
                break
            if submission is None:
                self._queue.put(None)
                break
            batch.append(submission)
        return batch

    def _commit(self, batch: Sequence[_Submission]) -> Sequence[Outcome]:
        try:
            return self._batches.commit([submission.work for submission in batch])
        except Exception as error:  # The thread must outlive every error; each waiter learns of this one.
            return [Outcome(error=StorageUnavailable(f"The database failed: {error}")) for _ in batch]


def _deliver(batch: Sequence[_Submission], outcomes: Iterable[Outcome]) -> None:
    """One wake-up per event loop and batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
    for submission, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(submission.future.get_loop(), []).append((submission.future, outcome))
    for loop, resolved in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, resolved)
        except RuntimeError:
            continue  # The loop was closed, so nobody waits any more.


def _resolve(resolved: Iterable[tuple["asyncio.Future[Any]", Outcome]]) -> None:
    for future, outcome in resolved:
        if future.done():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.result)
