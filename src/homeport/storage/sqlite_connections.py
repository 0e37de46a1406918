"""Connections to a SQLite file: one that writes, one that only reads, both told the same rules.

Knows the pragmas by name (`storage/sql/connection.sql`) and nothing of tables.
"""

import sqlite3
import threading
from pathlib import Path

from homeport.storage.pauses import pauses
from homeport.storage.port import StorageUnavailable
from homeport.storage.sql import load

_SQL = load("connection")
_STATEMENTS = 256
"""Prepared statements kept per connection; more than there are queries."""

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's transaction."""


def open_writer(path: Path, *, durable: bool, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """The connection that writes; makes the file if there is none.

    Raises:
        StorageUnavailable: the file cannot be opened, or is no database.
    """
    try:
        connection = _connect(path, mode="rwc", busy_timeout=busy_timeout)
        connection.execute(_SQL["page_size"])
        _switch_to_log(connection, busy_timeout)
        connection.execute(_SQL["durable" if durable else "fleeting"])
        for rule in ("erase_deleted", "check_references", "checkpoint_pages", "cache"):
            connection.execute(_SQL[rule])
    except sqlite3.Error as error:
        raise StorageUnavailable(f"The database {path} cannot be opened: {error}.") from error
    return connection


def open_reader(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """A connection that cannot write. The file exists and is in WAL mode already."""
    try:
        connection = _connect(path, mode="ro", busy_timeout=busy_timeout)
        connection.execute(_SQL["cache"])
    except sqlite3.Error as error:
        raise StorageUnavailable(f"The database {path} cannot be read: {error}.") from error
    return connection


def open_exclusively(path: Path) -> sqlite3.Connection:
    """A connection that is the only one, and stays it until it is closed. The file exists.

    Raises:
        StorageUnavailable: somebody else has the database open.
    """
    connection = _connect(path, mode="rw", busy_timeout=0)
    try:
        connection.execute(_SQL["exclusive"])
        connection.execute(_SQL["begin"])
    except sqlite3.Error as error:
        connection.close()
        if is_locked(error):
            raise StorageUnavailable(f"Somebody has {path} open; stop the server first.") from error
        raise StorageUnavailable(f"The database {path} cannot be opened: {error}.") from error
    return connection


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another process holds the lock; the low byte is the primary result code."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _switch_to_log(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Two processes that make the database at once meet here, and SQLite does not wait by itself for this lock."""
    nobody_rings = threading.Event()
    for pause in pauses(busy_timeout):
        try:
            connection.execute(_SQL["journal"])
            return
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
        nobody_rings.wait(pause)
    connection.execute(_SQL["journal"])


def _connect(path: Path, *, mode: str, busy_timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
