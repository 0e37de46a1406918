"""SQLite as the embedded default: one file, one connection that writes and one that reads.

Implements `storage/port.py`. The parts: `sqlite_connections.py` opens, `migrator.py` brings the schema up,
`writer.py` groups the commits, `sqlite_batches.py` runs them, `sqlite_changes.py` and `sqlite_readers.py` hold
what each change and each read does.
"""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

from homeport.clock import Clock
from homeport.security.sealing import Sealer
from homeport.storage import sqlite_changes
from homeport.storage.changes import Change
from homeport.storage.migrator import migrate
from homeport.storage.port import (
    AuditReader,
    EnrollmentReader,
    HubDeviceReader,
    RegistrationReader,
    SettingsReader,
    StorageUnavailable,
)
from homeport.storage.sql import load
from homeport.storage.sqlite_batches import SqliteBatches
from homeport.storage.sqlite_connections import BUSY_TIMEOUT, open_reader, open_writer
from homeport.storage.sqlite_readers import (
    SqliteAudit,
    SqliteEnrollments,
    SqliteHubDevices,
    SqliteRegistrations,
    SqliteSettings,
    fetch_from,
)
from homeport.storage.writer import GroupCommitWriter

_SQL = load("connection")

MEMORY = ":memory:"
"""In place of a path: a database that lives no longer than its storage."""
DEFAULT_LINGER = 0.003
"""Seconds that a commit waits for company under load."""


class SqliteStorage:
    """Implements `port.Storage`. Made by `open`."""

    def __init__(
        self,
        reader: sqlite3.Connection,
        writer: GroupCommitWriter[sqlite_changes.Transaction],
        *,
        sealer: Sealer,
        resources: ExitStack,
    ) -> None:
        self._fetch = fetch_from(reader)
        self._writer = writer
        self._resources = resources
        self.enrollments: EnrollmentReader = SqliteEnrollments(self._fetch, sealer)
        self.registrations: RegistrationReader = SqliteRegistrations(self._fetch, sealer, writer)
        self.settings: SettingsReader = SqliteSettings(self._fetch, sealer)
        self.audit: AuditReader = SqliteAudit(self._fetch)
        self.hub_devices: HubDeviceReader = SqliteHubDevices(self._fetch, sealer)

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
            return cls(reader, writer, sealer=sealer, resources=resources.pop_all())

    async def apply(self, changes: Sequence[Change]) -> None:
        """Commit all changes or none; durable when it returns. See `port.Storage.apply`."""
        work = partial(sqlite_changes.apply_all, all_changes=changes)
        await self._writer.submit(work, heavy=sqlite_changes.is_heavy(changes))

    async def purge_next(self) -> bool:
        """Work off one batch of a noted purge."""
        return await self._writer.submit(sqlite_changes.purge_next, heavy=True)

    async def check(self) -> None:
        """Read, and commit a write that changes nothing; raises StorageUnavailable."""
        self._fetch(_SQL["probe_read"], ())
        await self._writer.submit(lambda transaction: transaction.execute(_SQL["probe_write"], ()).close())

    async def close(self) -> None:
        """Commit what is queued, then close: the writing connection last, since only it can write the log back."""
        await self._writer.close()
        self._resources.close()


def _migrate(connection: sqlite3.Connection, clock: Clock) -> None:
    try:
        migrate(connection, clock)
    except sqlite3.Error as error:
        raise StorageUnavailable(f"The schema cannot be brought up: {error}.") from error


def _fleeting_file(resources: ExitStack) -> Path:
    """A file all the same: SQLite's shared in-memory mode has no WAL, so that readers would meet locks."""
    folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="homeport-", ignore_cleanup_errors=True))
    return Path(folder) / "homeport.db"
