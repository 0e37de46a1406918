"""Migrations on PostgreSQL: each step once, undone whole if it fails, and the same tables as on SQLite."""

import asyncio

import pytest
from tests.storage.material import NOW, StoppedClock, open_storage, tell

from homeport.clock import to_microseconds
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.migrator import DatabaseTooNew, Migration, migrations
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_migrator import migrate

FIRST = Migration(version=1, name="one", script="CREATE TABLE a (x BIGINT);\nCREATE TABLE b (x BIGINT);\n")
SECOND = Migration(version=2, name="two", script="ALTER TABLE a ADD COLUMN y BIGINT;\n")
BROKEN = Migration(
    version=2, name="two", script="ALTER TABLE a ADD COLUMN y BIGINT;\nALTER TABLE nothing ADD x TEXT;\n"
)
COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


def run(url: str, *steps: Migration) -> int:
    return asyncio.run(migrate(DatabaseUrl(url), StoppedClock(), steps or None))


def test_each_step_runs_once_and_is_noted(url: str) -> None:
    assert [run(url, FIRST), run(url, FIRST, SECOND), run(url, FIRST, SECOND)] == [1, 2, 2]
    time = to_microseconds(NOW)
    assert tell(url, "SELECT * FROM schema_version ORDER BY version") == [f"1|one|{time}", f"2|two|{time}"]


def test_a_step_that_fails_leaves_the_database_as_it_was(url: str) -> None:
    run(url, FIRST)
    before = tell(url, COLUMNS)
    with pytest.raises(StorageUnavailable, match="nothing"):
        run(url, FIRST, BROKEN)
    assert tell(url, COLUMNS) == before
    assert run(url, FIRST, SECOND) == 2


def test_a_database_from_the_future_is_refused_and_left_alone(url: str) -> None:
    run(url, FIRST, SECOND)
    with pytest.raises(DatabaseTooNew, match="schema 2; this homeport knows schemas up to 1"):
        run(url, FIRST)


def test_processes_that_start_at_once_run_each_step_once(url: str) -> None:
    async def story() -> None:
        starters = [migrate(DatabaseUrl(url), StoppedClock()) for _ in range(8)]
        assert set(await asyncio.gather(*starters)) == {migrations("postgresql")[-1].version}

    asyncio.run(story())
    assert tell(url, "SELECT count(*), max(version) FROM schema_version") == [
        f"{len(migrations())}|{len(migrations())}"
    ]


def test_a_step_that_another_process_runs_is_waited_for(url: str) -> None:
    slow = Migration(version=2, name="two", script="SELECT pg_sleep(0.2); ALTER TABLE a ADD COLUMN y BIGINT;\n")
    run(url, FIRST)

    async def story() -> None:
        await asyncio.gather(*(migrate(DatabaseUrl(url), StoppedClock(), (FIRST, slow)) for _ in range(2)))

    asyncio.run(story())
    assert tell(url, COLUMNS)[:2] == ["a|x", "a|y"]


def test_both_engines_have_the_same_steps() -> None:
    assert [(step.version, step.name) for step in migrations()] == [
        (step.version, step.name) for step in migrations("postgresql")
    ]


def test_both_engines_have_the_same_tables_and_columns(url: str, tmp_path: object) -> None:
    async def make(database: object) -> None:
        await (await open_storage(database)).close()

    file = f"{tmp_path}/h.db"
    asyncio.run(make(file))
    asyncio.run(make(url))
    of_sqlite = {
        f"{table}|{column.split('|')[1]}"
        for table in tell(file, TABLES)
        for column in tell(file, f"PRAGMA table_xinfo({table})")
    }
    assert set(tell(url, COLUMNS)) == of_sqlite
