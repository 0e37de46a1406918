import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.storage.material import NOW, StoppedClock, open_storage

from homeport.clock import to_microseconds
from homeport.storage.migrator import DatabaseTooNew, Migration, migrate, migrations

FIRST = Migration(version=1, name="one", script="CREATE TABLE a (x);\nCREATE TABLE b (x);\n")
SECOND = Migration(version=2, name="two", script="ALTER TABLE a ADD COLUMN y;\n")
BROKEN = Migration(version=2, name="two", script="ALTER TABLE a ADD COLUMN y;\nALTER TABLE nothing ADD COLUMN y;\n")
CLOCK = StoppedClock()


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    return sqlite3.connect(tmp_path / "h.db", isolation_level=None)


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()


def test_migrations_are_numbered_without_gaps() -> None:
    assert [step.version for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_each_step_runs_once_and_is_noted(database: sqlite3.Connection) -> None:
    assert migrate(database, CLOCK, (FIRST,)) == 1
    assert migrate(database, CLOCK, (FIRST, SECOND)) == 2
    assert migrate(database, CLOCK, (FIRST, SECOND)) == 2
    noted = database.execute("SELECT * FROM schema_version").fetchall()
    database.close()
    assert noted == [(1, "one", to_microseconds(NOW)), (2, "two", to_microseconds(NOW))]


def test_step_by_step_equals_all_at_once(tmp_path: Path) -> None:
    fresh, grown = (sqlite3.connect(tmp_path / name, isolation_level=None) for name in ("fresh", "grown"))
    migrate(fresh, CLOCK)
    for count in range(1, len(migrations()) + 1):
        migrate(grown, CLOCK, migrations()[:count])
    schemas = schema(fresh), schema(grown)
    fresh.close()
    grown.close()
    assert schemas[0] == schemas[1]


def test_a_step_that_fails_leaves_the_database_as_it_was(database: sqlite3.Connection) -> None:
    migrate(database, CLOCK, (FIRST,))
    before = schema(database)
    with pytest.raises(sqlite3.OperationalError):
        migrate(database, CLOCK, (FIRST, BROKEN))
    assert schema(database) == before
    assert migrate(database, CLOCK, (FIRST, SECOND)) == 2
    database.close()


def test_a_database_from_the_future_is_refused_and_left_alone(database: sqlite3.Connection) -> None:
    migrate(database, CLOCK, (FIRST, SECOND))
    with pytest.raises(DatabaseTooNew, match="schema 2; this homeport knows schemas up to 1"):
        migrate(database, CLOCK, (FIRST,))
    database.close()


def test_the_storage_refuses_a_database_from_the_future(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "h.db", isolation_level=None)
    migrate(database, CLOCK)
    database.execute("INSERT INTO schema_version VALUES (9999, 'future', 0)")
    database.close()
    with pytest.raises(DatabaseTooNew):
        asyncio.run(open_storage(tmp_path / "h.db"))


def test_a_trigger_is_one_statement(database: sqlite3.Connection) -> None:
    trigger = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
    step = Migration(version=1, name="one", script=f"CREATE TABLE a (x);\n{trigger}")
    migrate(database, CLOCK, (step,))
    names = [name for name, _ in schema(database)]
    database.close()
    assert names == ["a", "schema_version", "t"]
