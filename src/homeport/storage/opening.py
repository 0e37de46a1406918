"""A database from outside, as rows: for the commands that migrate, check and copy it.

Unlike `Storage`, nothing here makes a database, or brings one up to date that was only to be looked at. A database is a
SQLite file or a URL.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from homeport.clock import Clock
from homeport.storage import postgresql_migrator
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.migrator import Migration, migrate, migrations, missing
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import PostgresqlConnection, connect
from homeport.storage.postgresql_errors import DRIVER_ERRORS, unavailable
from homeport.storage.readers import Fetch
from homeport.storage.rows import Parameters, Row
from homeport.storage.sql import load
from homeport.storage.sqlite import fetch_from
from homeport.storage.sqlite_connections import open_exclusively, open_reader, open_writer

Database = Path | DatabaseUrl

PATIENCE = 3_600.0
"""Seconds that a statement may take: some walk through whole tables."""

_SCHEMA = load("schema")


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[Fetch]:
    """Its rows, while the block runs.

    Raises:
        StorageUnavailable: it is not there, or cannot be opened.
    """
    if isinstance(database, DatabaseUrl):
        async with connected(database) as connection:
            yield fetch_through(connection)
        return
    _require_file(database)
    with closing(open_reader(database)) as reader:
        yield fetch_from(reader)


@asynccontextmanager
async def connected(url: DatabaseUrl) -> AsyncIterator[PostgresqlConnection]:
    """A connection to PostgreSQL; raises StorageUnavailable."""
    connection = await connect(url, statement_timeout=PATIENCE)
    try:
        yield connection
    finally:
        await connection.close()


@contextmanager
def alone_with(file: Path) -> Iterator[Fetch]:
    """The rows of a SQLite file that nobody else has open, nor can open, while the block runs.

    Raises:
        StorageUnavailable: somebody has it open; or it is not there.
    """
    _require_file(file)
    with closing(open_exclusively(file)) as connection:
        yield fetch_from(connection)


def fetch_through(connection: PostgresqlConnection) -> Fetch:
    """Reads through a connection; raises StorageUnavailable in place of the driver's errors."""

    async def fetch(sql: str, parameters: Parameters) -> Sequence[Row]:
        try:
            return [tuple(row) for row in await connection.fetch(sql, parameters)]
        except DRIVER_ERRORS as error:
            raise unavailable(error) from error

    return fetch


def engine_of(database: Database) -> str:
    """Its name among the migrations."""
    return "postgresql" if isinstance(database, DatabaseUrl) else "sqlite"


async def version(fetch: Fetch) -> int:
    """The version of the schema; 0 if there is none."""
    ((has_versions,),) = await fetch(_SCHEMA["has_versions"], ())
    return int((await fetch(_SCHEMA["version"], ()))[0][0]) if has_versions else 0


async def pending(fetch: Fetch, engine: str) -> tuple[Migration, ...]:
    """The migrations that are still to run.

    Raises:
        DatabaseTooNew: the database is ahead of this program.
    """
    return missing(migrations(engine), await version(fetch))


async def bring_up(database: Database, clock: Clock) -> int:
    """Run the migrations that are still to run; returns the version reached.

    Raises:
        StorageUnavailable: it cannot be opened, a step failed, or it is too new.
    """
    if isinstance(database, DatabaseUrl):
        return await postgresql_migrator.migrate(database, clock)
    _require_file(database)
    with closing(open_writer(database, durable=True)) as writer:
        try:
            return migrate(writer, clock)
        except sqlite3.Error as error:
            raise StorageUnavailable(f"The schema cannot be brought up: {error}.") from error


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise StorageUnavailable(f"The database {file} is missing.")
