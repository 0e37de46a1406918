"""Brings a database to the schema of this program: each migration once, in order, in one transaction of its own.

A migration is `storage/migrations/<engine>/<nnnn>_<what>.sql`, with the same numbers and names for each engine; the
table `schema_version` says which have run. Two processes that start at once do not disturb each other: the second
waits for the lock and finds the work done. `migrate` is SQLite's; PostgreSQL's is in `postgresql_migrator.py`.
"""

import re
import sqlite3
from collections.abc import Iterator
from importlib import resources

import msgspec

from homeport.clock import Clock, to_microseconds
from homeport.storage.port import StorageUnavailable
from homeport.storage.sql import load

_SCHEMA = load("schema")
_CONNECTION = load("connection")
_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")


class DatabaseTooNew(StorageUnavailable):
    """A newer homeport has written this database. Start that version, or restore a backup from before it."""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the schema."""

    version: int
    name: str
    script: str


def migrations(engine: str = "sqlite") -> tuple[Migration, ...]:
    """All steps of an engine, the first first."""
    found = [
        Migration(version=int(match["version"]), name=match["name"], script=file.read_text("utf-8"))
        for file in resources.files("homeport.storage").joinpath("migrations", engine).iterdir()
        if (match := _FILE.fullmatch(file.name))
    ]
    return tuple(sorted(found, key=lambda step: step.version))


def migrate(connection: sqlite3.Connection, clock: Clock, steps: tuple[Migration, ...] | None = None) -> int:
    """Run what has not run yet; returns the version reached.

    Raises:
        DatabaseTooNew: the database is ahead of this program.
    """
    steps = migrations() if steps is None else steps
    connection.execute(_SCHEMA["create_version_table"])
    for step in missing(steps, _version(connection)):
        _run(connection, step, clock)
    return steps[-1].version


def missing(steps: tuple[Migration, ...], current: int) -> tuple[Migration, ...]:
    """The steps that a database of version `current` lacks.

    Raises:
        DatabaseTooNew: the database is ahead of this program.
    """
    newest = steps[-1].version
    if current > newest:
        raise DatabaseTooNew(f"The database has schema {current}; this homeport knows schemas up to {newest}.")
    return tuple(step for step in steps if step.version > current)


def _run(connection: sqlite3.Connection, step: Migration, clock: Clock) -> None:
    connection.execute(_CONNECTION["begin"])
    try:
        if _version(connection) < step.version:
            for statement in _statements(step.script):
                connection.execute(statement)
            connection.execute(_SCHEMA["note"], (step.version, step.name, to_microseconds(clock.now())))
        connection.execute(_CONNECTION["commit"])
    except BaseException:
        connection.execute(_CONNECTION["rollback"])
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute(_SCHEMA["version"]).fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """A script's statements one by one: `executescript` would commit before the first."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
