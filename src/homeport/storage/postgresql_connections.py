"""Connections to a PostgreSQL server: those that write and those that read, each with its statements prepared.

Statements come in by their text in `storage/sql/`, which is SQLite's; here it becomes PostgreSQL's. Every wait has an
end: to connect, to lock, to execute; and a transaction that its client has forgotten is ended by the server.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_errors import DRIVER_ERRORS
from homeport.storage.rows import Row
from homeport.storage.sql import load, load_for

CONNECT_TIMEOUT = 3.0
STATEMENT_TIMEOUT = 5.0
"""Seconds that the server gives a statement; the client waits a little longer, in case there is no server any more."""
LOCK_TIMEOUT = 2.0
COMMIT_TIMEOUT = 15.0
"""Longer than a primary waits for a standby that hangs, if its `wal_sender_timeout` is ten seconds."""
CLOSE_TIMEOUT = 1.0

_STORES = (
    *("enrollments", "ca_certificates", "registrations", "attestation_failures"),
    *("settings", "audit", "hub_devices", "schema", "tables", "checking"),
)


class PostgresqlReply:
    """What a statement has done. Implements `transaction.Reply`."""

    __slots__ = ("_rows", "_status")

    def __init__(self, rows: Sequence[Row], status: str) -> None:
        self._rows = rows
        self._status = status

    @property
    def rowcount(self) -> int:
        """The last word of `INSERT 0 5`, `UPDATE 5`."""
        return int(self._status.rpartition(" ")[2])

    def fetchall(self) -> Sequence[Row]:
        return self._rows


class PostgresqlConnection:
    """One connection. Raises what the driver raises."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._prepared: dict[str, PreparedStatement] = {}

    @property
    def is_closed(self) -> bool:
        """Whether it is known to be gone."""
        return bool(self._connection.is_closed())

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> Sequence[Row]:
        """All rows of a statement."""
        statement = self._prepared.get(sql) or await self._prepare(sql)
        rows: Sequence[Row] = await statement.fetch(*parameters)
        return rows

    async def execute(self, sql: str, parameters: Sequence[Any]) -> PostgresqlReply:
        """Run a statement; implements `transaction.Execute`."""
        statement = self._prepared.get(sql) or await self._prepare(sql)
        rows = await statement.fetch(*parameters)
        return PostgresqlReply(rows, statement.get_statusmsg())

    async def control(self, statement: str) -> str:
        """Run a statement without parameters, or a script; returns the last word of the server."""
        return str(await self._connection.execute(statement))

    async def commit(self, statement: str) -> str:
        """Like `control`, for a commit: when its time is up the connection is closed, and the server not asked to stop.

        A server that waits for its standby would take that as leave to make the transaction visible, though only it
        knows of it; then a device could be told of a registration that dies with the server.
        """
        alarm = asyncio.get_running_loop().call_later(COMMIT_TIMEOUT, self._connection.terminate)
        try:
            return str(await self._connection.execute(statement, timeout=2 * COMMIT_TIMEOUT))
        finally:
            alarm.cancel()

    async def listen(self, channel: str, receive: Callable[[str], None], *, when_lost: Callable[[], None]) -> None:
        """Have what other connections notify given to `receive`, until the connection is lost."""
        own = self._connection.get_server_pid()

        def hear(_connection: object, sender: int, _channel: str, payload: str) -> None:
            if sender != own:
                receive(payload)

        self._connection.add_termination_listener(lambda _connection: when_lost())
        await self._connection.add_listener(channel, hear)

    async def copy_in(self, table: str, columns: Sequence[str], records: Sequence[Row]) -> None:
        """Insert many rows at once (COPY), in the transaction that is open."""
        await self._connection.copy_records_to_table(table, columns=columns, records=records)

    def terminate(self) -> None:
        """Close it at once; the server ends what it was doing."""
        self._connection.terminate()

    async def close(self) -> None:
        """Take leave of the server, if it is there to hear it."""
        try:
            await self._connection.close(timeout=CLOSE_TIMEOUT)
        except DRIVER_ERRORS:
            self._connection.terminate()

    async def _prepare(self, sql: str) -> PreparedStatement:
        statement = await self._connection.prepare(_IN_POSTGRESQL.get(sql, sql))
        self._prepared[sql] = statement
        return statement


Connect = Callable[[], Awaitable[PostgresqlConnection]]


async def connect(url: DatabaseUrl, *, statement_timeout: float = STATEMENT_TIMEOUT) -> PostgresqlConnection:
    """A new connection.

    Raises:
        StorageUnavailable: there is no server, or it does not let us in.
    """
    settings = {
        "application_name": "homeport",
        "statement_timeout": _milliseconds(statement_timeout),
        "lock_timeout": _milliseconds(min(LOCK_TIMEOUT, statement_timeout)),
        "idle_in_transaction_session_timeout": _milliseconds(2 * statement_timeout),
        # Every statement has its index. A plan that was made while a table was small would otherwise go on reading it
        # from end to end when it no longer is.
        "enable_seqscan": "off",
    }
    try:
        raw = await asyncpg.connect(
            url.reveal(), timeout=CONNECT_TIMEOUT, command_timeout=statement_timeout + 1, server_settings=settings
        )
    except (*DRIVER_ERRORS, ValueError) as error:
        raise StorageUnavailable(f"No connection to {url}: {type(error).__name__}: {error}.") from error
    return PostgresqlConnection(raw)


def in_postgresql(sql: str) -> str:
    """A shared statement with PostgreSQL's placeholders."""
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)


def _in_postgresql() -> dict[str, str]:
    found: dict[str, str] = {}
    for store in _STORES:
        others = load_for("postgresql", store)
        found |= {shared: in_postgresql(others.get(name, shared)) for name, shared in load(store).items()}
    return found


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


_IN_POSTGRESQL = _in_postgresql()
