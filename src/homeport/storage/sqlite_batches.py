"""One batch of works in one SQLite transaction, and what becomes of it when something fails.

A batch is tried whole first, without savepoints, since nearly always every work succeeds. If one fails, all is
rolled back and each work is done again inside its own savepoint, so that the failing one alone is undone. If
the database itself fails (full, read-only, locked, damaged), every work of the batch fails as unavailable and
nothing was written; the next batch tries afresh.
"""

import sqlite3
from collections.abc import Sequence

from homeport.security.sealing import Sealer
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.sql import load
from homeport.storage.sqlite_changes import Transaction
from homeport.storage.writer import Outcome, Work

_SQL = load("connection")

_WORKS_OWN_FAULT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


class SqliteBatches:
    """Implements `writer.Batches` on one connection, which nobody else uses meanwhile."""

    def __init__(self, connection: sqlite3.Connection, *, sealer: Sealer, chain: str) -> None:
        self._connection = connection
        self._sealer = sealer
        self._chain = chain

    def commit(self, works: Sequence[Work[Transaction]]) -> Sequence[Outcome]:
        """One outcome a work; durable on return."""
        try:
            outcomes = self._whole(works)
            return self._one_by_one(works) if outcomes is None else outcomes
        except sqlite3.Error as error:
            self._rollback()
            return [Outcome(error=_unavailable(error)) for _ in works]

    def _whole(self, works: Sequence[Work[Transaction]]) -> Sequence[Outcome] | None:
        """All works without savepoints; None if one of them failed and all are undone."""
        transaction = self._begin()
        try:
            outcomes = [Outcome(work(transaction)) for work in works]
        except Exception as error:
            if _is_engines_fault(error):
                raise
            self._rollback()
            return [Outcome(error=_for_caller(error))] if len(works) == 1 else None
        self._connection.execute(_SQL["commit"])
        return outcomes

    def _one_by_one(self, works: Sequence[Work[Transaction]]) -> Sequence[Outcome]:
        transaction = self._begin()
        outcomes = [self._in_savepoint(transaction, work) for work in works]
        self._connection.execute(_SQL["commit"])
        return outcomes

    def _in_savepoint(self, transaction: Transaction, work: Work[Transaction]) -> Outcome:
        head = transaction.head
        self._connection.execute(_SQL["savepoint"])
        try:
            outcome = Outcome(work(transaction))
        except Exception as error:
            if _is_engines_fault(error):
                raise
            self._connection.execute(_SQL["rollback_to_savepoint"])
            transaction.head = head
            outcome = Outcome(error=_for_caller(error))
        self._connection.execute(_SQL["release"])
        return outcome

    def _begin(self) -> Transaction:
        self._connection.execute(_SQL["begin"])
        return Transaction(self._connection.execute, self._sealer, self._chain)

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute(_SQL["rollback"])


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
