"""An open write transaction, as the changes see it, whatever engine it is of.

Counterparts: `change_steps.py` says what each change does in it; `sqlite_batches.py` and `postgresql_batches.py` open
and end it. SQLite answers at once and never waits, PostgreSQL waits for its server.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from homeport.security.sealing import Sealer
from homeport.storage.audit_chain import ChainHead
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.rows import Row, SqlValue


class Reply(Protocol):
    """What a statement has done: the number of rows that it touched, and those that it returns."""

    @property
    def rowcount(self) -> int: ...

    def fetchall(self) -> Sequence[Row]: ...


class Execute(Protocol):
    """Run a statement of `storage/sql/`, called several times a change."""

    def __call__(self, sql: str, parameters: Sequence[Any], /) -> Awaitable[Reply]: ...


class Transaction:
    """`chain` is the audit chain of its writer, `head` that chain's end, once it is known."""

    __slots__ = ("chain", "execute", "head", "sealer")

    def __init__(self, execute: Execute, sealer: Sealer, chain: str, head: ChainHead | None = None) -> None:
        self.execute = execute
        self.sealer = sealer
        self.chain = chain
        self.head = head

    async def expect_one(self, sql: str, parameters: Sequence[SqlValue]) -> None:
        """Run a statement that must touch exactly the row that the caller expects."""
        if (await self.execute(sql, parameters)).rowcount != 1:
            raise ChangedMeanwhile
