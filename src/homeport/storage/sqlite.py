"""SQLite as the embedded default: one file, one connection that writes and one that reads.

Implements `storage/port.py`. The parts: `sqlite_connections.py` opens, `migrator.py` brings the schema up,
`writer.py` groups the commits, `sqlite_batches.py` runs them; `store.py` joins them with what both engines share.
A read takes some ten microseconds and runs on the event loop's own thread; it is fetched to its end, which ends the
read transaction, so that the next read sees what has been committed since.
"""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from homeport.clock import Clock
from homeport.security.sealing import Sealer
from homeport.storage.migrator import migrate
from homeport.storage.port import StorageUnavailable
from homeport.storage.readers import Fetch
from homeport.storage.rows import Parameters, Row
from homeport.storage.sqlite_batches import SqliteBatches
from homeport.storage.sqlite_connections import BUSY_TIMEOUT, open_reader, open_writer
from homeport.storage.sqlite_file import require_room
from homeport.storage.store import DEFAULT_LINGER, Store
from homeport.storage.transaction import Transaction
from homeport.storage.writer import GroupCommitWriter

MEMORY = ":memory:"
"""In place of a path: a database that lives no longer than its storage."""


class SqliteStorage(Store):
    """Implements `port.Storage`. Made by `open`."""

    def __init__(
        self,
        reader: sqlite3.Connection,
        writer: GroupCommitWriter[Transaction],
        *,
        sealer: Sealer,
        file: Path,
        resources: ExitStack,
    ) -> None:
        super().__init__(fetch_from(reader), writer, sealer=sealer)
        self._file = file
        self._resources = resources

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        sealer: Sealer,
        clock: Clock,
        linger: float = DEFAULT_LINGER,
        busy_timeout: float = BUSY_TIMEOUT,
        writer_name: str = "writer-0",
    ) -> Self:
        """Open the database and bring its schema up; makes it if there is none.

        `writer_name` names this process's audit chain: no two processes on one database share it.

        Raises:
            StorageUnavailable: it cannot be opened.
            DatabaseTooNew: a newer homeport wrote it.
        """
        with ExitStack() as resources:
            durable = str(path) != MEMORY
            file = Path(path) if durable else _fleeting_file(resources)
            connection = open_writer(file, durable=durable, busy_timeout=busy_timeout)
            resources.callback(connection.close)
            _migrate(connection, clock)
            reader = open_reader(file, busy_timeout=busy_timeout)
            resources.callback(reader.close)
            batches = SqliteBatches(connection, sealer=sealer, chain=writer_name, busy_timeout=busy_timeout)
            resources.callback(batches.close)
            writer = GroupCommitWriter(batches, linger=linger)
            return cls(reader, writer, sealer=sealer, file=file, resources=resources.pop_all())

    async def check(self) -> None:
        """The same of every engine; and that there is room for more than the little that this writes."""
        require_room(self._file)
        await super().check()

    async def close(self) -> None:
        """Commit what is queued, then close: the writing connection last, since only it can write the log back."""
        await self._writer.close()
        self._resources.close()


def fetch_from(connection: sqlite3.Connection) -> Fetch:
    """Reads through `connection`; raises StorageUnavailable in place of the driver's errors."""

    async def fetch(sql: str, parameters: Parameters) -> Sequence[Row]:
        try:
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise StorageUnavailable(f"The database cannot be read: {error}.") from error

    return fetch


def _migrate(connection: sqlite3.Connection, clock: Clock) -> None:
    try:
        migrate(connection, clock)
    except sqlite3.Error as error:
        raise StorageUnavailable(f"The schema cannot be brought up: {error}.") from error


def _fleeting_file(resources: ExitStack) -> Path:
    """A file all the same: SQLite's shared in-memory mode has no WAL, so that readers would meet locks."""
    folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="homeport-", ignore_cleanup_errors=True))
    return Path(folder) / "homeport.db"
