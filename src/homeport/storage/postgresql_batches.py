"""One batch of works in one PostgreSQL transaction, on a connection of its own, and what becomes of it.

The lists that registrations are made of go in a few statements over all of them (`postgresql_bulk.py`); every other
work goes by its steps, in a savepoint, so that a failing one is undone alone. If a statement over many finds that one
expectation does not hold, the transaction is rolled back and every work is done by its steps.

What is tried again, with jittered pauses: a conflict with another transaction, and a connection that was lost before
the commit was sent; nothing of such a transaction happened. While a server is known to be gone, each batch tries once,
so that waiters are told instead of kept. A connection lost *during* the commit leaves the outcome open, and trying
again could answer "changed meanwhile" about one's own write. So every waiter is told that storage is unavailable, and
the device asks again: if the commit happened, it finds its own record, and if not, nothing is there. Names of subjects,
etags and the numbers of audit entries make the repetition harmless. A server that is told to stop while its commit
waits for a standby warns and closes the connection, which is the same case.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from homeport.clock import Randomness
from homeport.model.identifiers import folded
from homeport.security.sealing import Sealer
from homeport.storage.audit_chain import ChainHead
from homeport.storage.change_steps import Apply
from homeport.storage.changes import PutRegistration, PutSubject
from homeport.storage.pauses import jittered, pauses
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_bulk import Bulk
from homeport.storage.postgresql_connections import Connect, PostgresqlConnection
from homeport.storage.postgresql_errors import (
    DRIVER_ERRORS,
    for_caller,
    is_conflict,
    is_lost_connection,
    is_works_own_fault,
    unavailable,
)
from homeport.storage.sql import load, load_for
from homeport.storage.transaction import Transaction
from homeport.storage.writer import Outcome, Work

PATIENCE = 5.0
"""Seconds for which a batch is tried again."""

_SQL = {**load("connection"), **load_for("postgresql", "connection")}

Works = Sequence[Work[Transaction]]
Outcomes = Sequence[Outcome]


class OutcomeUnknown(StorageUnavailable):
    """The connection was lost during a commit, which may have happened."""


class PostgresqlBatches:
    """Implements `writer.Batches`. `chain` is the audit chain of this process."""

    def __init__(
        self, connect: Connect, *, sealer: Sealer, chain: str, randomness: Randomness, patience: float = PATIENCE
    ) -> None:
        self._connect = connect
        self._sealer = sealer
        self._chain = chain
        self._randomness = randomness
        self._patience = patience
        self._connection: PostgresqlConnection | None = None
        self._head: ChainHead | None = None
        self._is_gone = False

    async def commit(self, works: Works, *, heavy: bool) -> Outcomes:
        """One outcome a work; durable on return."""
        try:
            return await self._with_patience(works)
        except StorageUnavailable as error:
            return [Outcome(error=error) for _ in works]
        except Exception as error:
            return [Outcome(error=unavailable(error)) for _ in works]

    async def close(self) -> None:
        """Take leave of the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _with_patience(self, works: Works) -> Outcomes:
        loop, waits = asyncio.get_running_loop(), pauses(math.inf)
        deadline = loop.time() + (0.0 if self._is_gone else self._patience)
        while True:
            try:
                return await self._attempt(works)
            except Exception as error:
                if not await self._is_worth_another_try(error) or loop.time() >= deadline:
                    raise
            await asyncio.sleep(jittered(next(waits), self._randomness))

    async def _attempt(self, works: Works) -> Outcomes:
        connection = await self._connected()
        if len(works) == 1:
            return await self._alone(connection, works[0])
        try:
            return await self._transact(connection, works, self._together)
        except Exception as error:
            if not is_works_own_fault(error):
                raise
        await self._roll_back()
        return await self._transact(connection, works, self._one_by_one)

    async def _connected(self) -> PostgresqlConnection:
        if self._connection is None or self._connection.is_closed:
            self._connection = None
            self._connection = await self._connect()
        self._is_gone = False
        return self._connection

    async def _alone(self, connection: PostgresqlConnection, work: Work[Transaction]) -> Outcomes:
        """A lone work needs no savepoint: with it, all is undone."""
        try:
            return await self._transact(connection, [work], self._bare)
        except Exception as error:
            if not is_works_own_fault(error):
                raise
            await self._roll_back()
            return [Outcome(error=for_caller(error))]

    async def _transact(
        self, connection: PostgresqlConnection, works: Works, do: Callable[[Transaction, Works], Awaitable[Outcomes]]
    ) -> Outcomes:
        await self._control("begin")
        transaction = Transaction(connection.execute, self._sealer, self._chain, self._head)
        outcomes = await do(transaction, works)
        await self._commit()
        self._head = transaction.head
        return outcomes

    async def _bare(self, transaction: Transaction, works: Works) -> Outcomes:
        return [Outcome(await work(transaction)) for work in works]

    async def _together(self, transaction: Transaction, works: Works) -> Outcomes:
        bulk, outcomes = Bulk(self._sealer), [Outcome() for _ in works]
        others = [
            index for index, work in enumerate(works) if not (isinstance(work, Apply) and bulk.take(work.changes))
        ]
        await bulk.write(transaction)
        for index in others:
            outcomes[index] = await self._in_savepoint(transaction, works[index])
        return outcomes

    async def _one_by_one(self, transaction: Transaction, works: Works) -> Outcomes:
        """In the order of what they are about, as every process does it: else two would wait for each other's rows."""
        outcomes = [Outcome() for _ in works]
        for index in sorted(range(len(works)), key=lambda index: _subject_of(works[index])):
            outcomes[index] = await self._in_savepoint(transaction, works[index])
        return outcomes

    async def _in_savepoint(self, transaction: Transaction, work: Work[Transaction]) -> Outcome:
        control, head = self._control, transaction.head
        await control("savepoint")
        try:
            outcome = Outcome(await work(transaction))
        except Exception as error:
            if not is_works_own_fault(error):
                raise
            await control("rollback_to_savepoint")
            transaction.head = head
            outcome = Outcome(error=for_caller(error))
        await control("release")
        return outcome

    async def _commit(self) -> None:
        """Raises OutcomeUnknown unless the server has said that it did, or did not."""
        try:
            said = await self._of_transaction.commit(_SQL["commit"])
        except DRIVER_ERRORS as error:
            if is_conflict(error):
                raise
            raise OutcomeUnknown(f"The database failed during a commit: {type(error).__name__}.") from error
        if said != _SQL["commit"]:
            raise StorageUnavailable("The database has rolled a transaction back.")

    async def _is_worth_another_try(self, error: Exception) -> bool:
        """Leaves the connection fit for another transaction, or gives it up."""
        if is_conflict(error):
            try:
                await self._roll_back()
            except DRIVER_ERRORS:
                self._drop()
            return True
        self._is_gone = self._connection is None
        self._drop()
        if isinstance(error, StorageUnavailable):
            return not isinstance(error, OutcomeUnknown)
        return is_lost_connection(error)

    async def _roll_back(self) -> None:
        """Undo the transaction; the head of the chain is read anew by the next one."""
        self._head = None
        await self._control("rollback")

    async def _control(self, name: str) -> str:
        return await self._of_transaction.control(_SQL[name])

    @property
    def _of_transaction(self) -> PostgresqlConnection:
        assert self._connection is not None, "a transaction without a connection"
        return self._connection

    def _drop(self) -> None:
        self._head = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _subject_of(work: Work[Transaction]) -> str:
    """The device that a list of changes is about; empty for any other work."""
    for change in work.changes if isinstance(work, Apply) else ():
        if isinstance(change, PutSubject):
            return folded(change.registration_id)
        if isinstance(change, PutRegistration):
            return folded(change.record.registration_id)
    return ""
