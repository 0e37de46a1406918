"""A database that is no longer where it was opened is not written: what is written then would be gone."""

import sqlite3
from pathlib import Path

import pytest

from homeport.storage.port import StorageUnavailable
from homeport.storage.sqlite_file import DatabaseFile, require_room


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "h.db"
    made.write_bytes(b"")
    return made


def test_it_is_there(path: Path) -> None:
    DatabaseFile(str(path)).require()


def test_it_is_moved_away_and_back(path: Path) -> None:
    file = DatabaseFile(str(path))
    away = path.rename(path.with_name("away.db"))
    with pytest.raises(sqlite3.OperationalError, match="moved, removed or replaced"):
        file.require()
    away.rename(path)
    file.require()


def test_another_one_stands_in_its_place(path: Path) -> None:
    file = DatabaseFile(str(path))
    path.rename(path.with_name("away.db"))
    path.write_bytes(b"")
    with pytest.raises(sqlite3.OperationalError):
        file.require()


def test_a_database_in_memory_has_no_place() -> None:
    DatabaseFile("").require()


def test_there_is_room_or_there_is_not(path: Path) -> None:
    require_room(path, room=1)
    with pytest.raises(StorageUnavailable, match="full"):
        require_room(path, room=1 << 62)
    with pytest.raises(StorageUnavailable, match="cannot be looked at"):
        require_room(path / "of" / "nothing")
