"""One batch of works in one SQLite transaction, and what becomes of it when something fails.

Statements run on the event loop, the commit in a thread: a statement takes microseconds and hands the
interpreter lock over several times, which costs more than it does when another thread wants the lock too; the
commit waits for the disk. Only heavy works run in the thread as well.

A batch is tried whole first, without savepoints, since nearly always every work succeeds. If one fails, all is
rolled back and each work is done again inside its own savepoint, so that the failing one alone is undone. If
the database itself fails (full, read-only, locked, damaged), every work of the batch fails as unavailable and
nothing was written; the next batch tries afresh.

Works are coroutines, since on another engine they wait; here none ever does, so that each is run in one go (`_run`).
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from homeport.security.sealing import Sealer
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.pauses import pauses
from homeport.storage.port import StorageUnavailable
from homeport.storage.rows import SqlValue
from homeport.storage.sql import load
from homeport.storage.sqlite_connections import is_locked
from homeport.storage.sqlite_file import DatabaseFile
from homeport.storage.transaction import Reply, Transaction
from homeport.storage.writer import Outcome, Work

T = TypeVar("T")

_SQL = load("connection")

_HOPELESS = 0.1
"""The part of its patience that a batch has while the last one has had all of it in vain."""

_WORKS_OWN_FAULT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


class SqliteBatches:
    """Implements `writer.Batches` on one connection, which nobody else uses meanwhile."""

    def __init__(self, connection: sqlite3.Connection, *, sealer: Sealer, chain: str, busy_timeout: float) -> None:
        self._connection = connection
        self._connection.execute(_SQL["do_not_wait"])
        self._file = DatabaseFile(self._connection.execute(_SQL["file"]).fetchone()[0])
        self._sealer = sealer
        self._chain = chain
        self._busy_timeout = busy_timeout
        self._is_locked_out = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"homeport-{chain}")

    async def commit(self, works: Sequence[Work[Transaction]], *, heavy: bool) -> Sequence[Outcome]:
        """One outcome a work; durable on return."""
        try:
            outcomes = await self._attempt(self._whole, works, heavy=heavy)
            if outcomes is None:
                outcomes = await self._attempt(self._one_by_one, works, heavy=True)
            if self._connection.in_transaction:
                await self._in_thread(self._commit)
            return outcomes or []
        except sqlite3.Error as error:
            self._rollback()
            return [Outcome(error=_unavailable(error)) for _ in works]

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _attempt(
        self,
        attempt: Callable[[Sequence[Work[Transaction]]], Sequence[Outcome] | None],
        works: Sequence[Work[Transaction]],
        *,
        heavy: bool,
    ) -> Sequence[Outcome] | None:
        await self._begin()
        return await self._in_thread(lambda: attempt(works)) if heavy else attempt(works)

    def _whole(self, works: Sequence[Work[Transaction]]) -> Sequence[Outcome] | None:
        """All works without savepoints; None if one of several failed. After a failure all are undone."""
        transaction = self._transaction()
        try:
            return [Outcome(_run(work(transaction))) for work in works]
        except Exception as error:
            if _is_engines_fault(error):
                raise
            self._rollback()
            return [Outcome(error=_for_caller(error))] if len(works) == 1 else None

    def _one_by_one(self, works: Sequence[Work[Transaction]]) -> Sequence[Outcome]:
        transaction = self._transaction()
        return [self._in_savepoint(transaction, work) for work in works]

    def _in_savepoint(self, transaction: Transaction, work: Work[Transaction]) -> Outcome:
        head = transaction.head
        self._connection.execute(_SQL["savepoint"])
        try:
            outcome = Outcome(_run(work(transaction)))
        except Exception as error:
            if _is_engines_fault(error):
                raise
            self._connection.execute(_SQL["rollback_to_savepoint"])
            transaction.head = head
            outcome = Outcome(error=_for_caller(error))
        self._connection.execute(_SQL["release"])
        return outcome

    def _transaction(self) -> Transaction:
        return Transaction(self._execute, self._sealer, self._chain)

    async def _execute(self, sql: str, parameters: Sequence[SqlValue]) -> Reply:
        return self._connection.execute(sql, parameters)

    async def _begin(self) -> None:
        """Take the write lock, waiting for another process without blocking the event loop."""
        self._rollback()  # Of a batch whose event loop ended in the middle.
        self._file.require()
        for pause in pauses(self._busy_timeout * (_HOPELESS if self._is_locked_out else 1)):
            try:
                self._connection.execute(_SQL["begin"])
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
            else:
                self._is_locked_out = False
                return
            await asyncio.sleep(pause)
        self._is_locked_out = True
        self._connection.execute(_SQL["begin"])
        self._is_locked_out = False

    def _commit(self) -> None:
        self._connection.execute(_SQL["commit"])

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute(_SQL["rollback"])

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _run(work: Awaitable[T]) -> T:
    """The result of a coroutine that never waits."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("A work has waited for something else than its statements.")


def _is_engines_fault(error: Exception) -> bool:
    """Whether the database failed, rather than what one work asked of it."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, _WORKS_OWN_FAULT)


def _for_caller(error: Exception) -> Exception:
    """A violated constraint means that a row appeared or went since the caller read; other errors stay as they are."""
    if not isinstance(error, sqlite3.IntegrityError):
        return error
    changed = ChangedMeanwhile(str(error))
    changed.__cause__ = error
    return changed


def _unavailable(error: sqlite3.Error) -> StorageUnavailable:
    unavailable = StorageUnavailable(f"The database failed: {error}.")
    unavailable.__cause__ = error
    return unavailable
