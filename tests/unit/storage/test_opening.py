"""A database from outside: looked at, brought up, or had for oneself; never made by accident."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.storage.material import StoppedClock, is_postgresql, open_storage

from homeport.storage.database_url import DatabaseUrl
from homeport.storage.migrator import migrations
from homeport.storage.opening import Database, alone_with, bring_up, engine_of, pending, reading, version
from homeport.storage.port import StorageUnavailable

NEWEST = migrations()[-1].version


@pytest.fixture
def empty(database: str) -> Database:
    """A database without tables."""
    if is_postgresql(database):
        return DatabaseUrl(database)
    with closing(sqlite3.connect(database)) as made:
        made.execute("VACUUM")
    return Path(database)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    async def make() -> None:
        await (await open_storage(tmp_path / "h.db")).close()

    asyncio.run(make())
    return tmp_path / "h.db"


def test_it_is_brought_up_and_only_then(empty: Database) -> None:
    async def look() -> tuple[int, int]:
        async with reading(empty) as fetch:
            return await version(fetch), len(await pending(fetch, engine_of(empty)))

    assert asyncio.run(look()) == (0, len(migrations()))
    assert asyncio.run(bring_up(empty, StoppedClock())) == NEWEST
    assert asyncio.run(look()) == (NEWEST, 0)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    async def look() -> None:
        async with reading(tmp_path / "h.db"):
            pass

    for work in (look(), bring_up(tmp_path / "h.db", StoppedClock())):
        with pytest.raises(StorageUnavailable, match="missing"):
            asyncio.run(work)
    with pytest.raises(StorageUnavailable, match="missing"), alone_with(tmp_path / "h.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_somebody_has_open_cannot_be_had_alone(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("SELECT count(*) FROM services").fetchall()
        with pytest.raises(StorageUnavailable, match="stop the server first"), alone_with(file):
            pass


def test_who_has_a_file_alone_keeps_others_out(file: Path) -> None:
    with alone_with(file) as fetch:
        assert asyncio.run(version(fetch)) == NEWEST
        with pytest.raises(StorageUnavailable, match="locked"):
            asyncio.run(open_storage(file, busy_timeout=0.01))
