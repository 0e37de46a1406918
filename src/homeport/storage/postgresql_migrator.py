"""Brings a PostgreSQL database to the schema of this program; the steps are those of `migrator.py`.

Each step first notes itself in `schema_version`, then does its work, in one transaction. So of two processes that start
at once the second waits at the first one's row, finds the work done and goes on; no lock of another kind is needed.
"""

import asyncpg

from homeport.clock import Clock, to_microseconds
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.migrator import Migration, migrations, missing
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import PostgresqlConnection, connect
from homeport.storage.postgresql_errors import DRIVER_ERRORS, is_conflict
from homeport.storage.sql import load, load_for

PATIENCE = 600.0
"""Seconds that a statement of a migration may take, waiting for another process included."""
_ATTEMPTS = 10

_SCHEMA = load("schema")
_CONNECTION = load("connection")
_BEGIN = load_for("postgresql", "connection")["begin"]
_COPYING = load_for("postgresql", "copying")
_CREATE = load_for("postgresql", "schema")["create_version_table"]


async def migrate(
    url: DatabaseUrl, clock: Clock, steps: tuple[Migration, ...] | None = None, *, to_be_copied_into: bool = False
) -> int:
    """Run what has not run yet; returns the version reached.

    Raises:
        DatabaseTooNew: the database is ahead of this program.
        StorageUnavailable: it cannot be reached, a step failed, or a copy into it is under way, for another purpose
            than `to_be_copied_into`: half of a copy must serve nobody.
    """
    steps = migrations("postgresql") if steps is None else steps
    connection = await connect(url, statement_timeout=PATIENCE)
    try:
        if not to_be_copied_into and (await connection.fetch(_COPYING["is_under_way"], ()))[0][0]:
            raise StorageUnavailable("A copy into this database is under way; `homeport database copy` finishes it.")
        await _create_version_table(connection)
        for step in missing(steps, await _version(connection)):
            await _run(connection, step, clock)
    except DRIVER_ERRORS as error:
        raise StorageUnavailable(f"The schema cannot be brought up: {error}.") from error
    finally:
        await connection.close()
    return steps[-1].version


async def _create_version_table(connection: PostgresqlConnection) -> None:
    """Of several that make it at once, all but one may be refused, and find it there when they look again."""
    for _ in range(_ATTEMPTS):
        try:
            await connection.control(_CREATE)
            return
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError):
            continue
    await connection.control(_CREATE)


async def _run(connection: PostgresqlConnection, step: Migration, clock: Clock) -> None:
    for _ in range(_ATTEMPTS):
        try:
            await _attempt(connection, step, clock)
            return
        except DRIVER_ERRORS as error:
            if not is_conflict(error):
                raise
    await _attempt(connection, step, clock)


async def _attempt(connection: PostgresqlConnection, step: Migration, clock: Clock) -> None:
    await connection.control(_BEGIN)
    try:
        noted = (step.version, step.name, to_microseconds(clock.now()))
        if (await connection.execute(_SCHEMA["note"], noted)).rowcount == 1:
            await connection.control(step.script)
    except BaseException:
        if not connection.is_closed:
            await connection.control(_CONNECTION["rollback"])
        raise
    await connection.control(_CONNECTION["commit"])


async def _version(connection: PostgresqlConnection) -> int:
    return int((await connection.fetch(_SCHEMA["version"], ()))[0][0])
