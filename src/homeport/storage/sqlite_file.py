"""Is the database still where it was opened, and is there room for it?

A file that is moved or removed can be written all the same, by whoever has it open; what is written then is gone at the
next start, though it was acknowledged. So the writer looks before each batch, which costs a microsecond. Reads go on.
"""

import os
import shutil
import sqlite3
from pathlib import Path

from homeport.storage.port import StorageUnavailable

ROOM = 1024 * 1024
"""Bytes that must be free: what a full batch of registrations may write at once."""


class DatabaseFile:
    """The file of a connection, as it was when it was opened. An empty path is a database without a file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity = _identity(path) if path else None

    def require(self) -> None:
        """See that it is still there.

        Raises:
            sqlite3.OperationalError: it is not, or another one stands in its place.
        """
        if self._identity is None:
            return
        try:
            is_there = _identity(self._path) == self._identity
        except OSError:
            is_there = False
        if not is_there:
            raise sqlite3.OperationalError("the file has been moved, removed or replaced; bring it back")


def require_room(file: Path, room: int = ROOM) -> None:
    """See that the disk of a database has room.

    Raises:
        StorageUnavailable: it has not, or is gone.
    """
    try:
        free = shutil.disk_usage(file.parent).free
    except OSError as error:
        raise StorageUnavailable(f"The disk of the database cannot be looked at: {error.strerror}.") from error
    if free < room:
        raise StorageUnavailable(f"The disk of the database is full: {free} bytes are free.")


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
