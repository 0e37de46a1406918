"""Connections: statements in PostgreSQL's words, replies, limits in time, and errors that name no password."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from tests import postgresql

from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import PostgresqlConnection, connect, in_postgresql

Story = Callable[[PostgresqlConnection], Awaitable[None]]


def play(url: str, story: Story, *, statement_timeout: float = 5.0) -> None:
    async def run() -> None:
        connection = await connect(DatabaseUrl(url), statement_timeout=statement_timeout)
        try:
            await story(connection)
        finally:
            await connection.close()

    asyncio.run(run())


def test_placeholders_are_numbered() -> None:
    assert in_postgresql("a = ? AND b = ? LIMIT ?") == "a = $1 AND b = $2 LIMIT $3"
    assert in_postgresql("a") == "a"


def test_a_reply_tells_what_was_touched_and_what_is_returned(url: str) -> None:
    async def story(connection: PostgresqlConnection) -> None:
        await connection.control("CREATE TABLE t (x BIGINT PRIMARY KEY)")
        inserted = await connection.execute("INSERT INTO t SELECT * FROM unnest($1::bigint[])", ([1, 2, 3],))
        assert inserted.rowcount == 3
        updated = await connection.execute("UPDATE t SET x = x + 10 WHERE x > $1 RETURNING x", (1,))
        assert updated.rowcount == 2
        assert sorted(row[0] for row in updated.fetchall()) == [12, 13]
        assert (await connection.execute("DELETE FROM t WHERE x = $1", (99,))).rowcount == 0
        assert [row[0] for row in await connection.fetch("SELECT x FROM t ORDER BY x", ())] == [1, 12, 13]

    play(url, story)


def test_a_statement_has_its_limit_in_time(url: str) -> None:
    async def story(connection: PostgresqlConnection) -> None:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.fetch("SELECT pg_sleep(60)", ())
        assert not connection.is_closed

    play(url, story, statement_timeout=0.05)


def test_a_lock_has_its_limit_in_time(url: str) -> None:
    async def story(connection: PostgresqlConnection) -> None:
        await connection.control("CREATE TABLE t (x BIGINT)")
        other = await connect(DatabaseUrl(url))
        await other.control("BEGIN; LOCK TABLE t")
        with pytest.raises((asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)):
            await connection.fetch("SELECT x FROM t", ())
        await other.close()

    play(url, story, statement_timeout=0.05)


def test_a_forgotten_transaction_is_ended_by_the_server(url: str) -> None:
    async def story(connection: PostgresqlConnection) -> None:
        lost = asyncio.Event()
        await connection.listen("any", lambda payload: None, when_lost=lost.set)
        await connection.control("BEGIN")
        await lost.wait()
        assert connection.is_closed

    play(url, story, statement_timeout=0.05)


@pytest.mark.parametrize("place", ["127.0.91.99:1/homeport", "127.0.91.99:1,127.0.91.98:1/homeport"])
def test_a_server_that_is_not_there_is_named_without_the_password(place: str) -> None:
    with pytest.raises(StorageUnavailable) as refusal:
        asyncio.run(connect(DatabaseUrl(f"postgresql://me:secret@{place}")))
    assert place in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_database_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(StorageUnavailable, match="nothing_of_the_kind") as refusal:
        asyncio.run(connect(DatabaseUrl(url.rpartition("/")[0] + "/nothing_of_the_kind")))
    assert postgresql.PASSWORD not in str(refusal.value)


def test_nonsense_in_a_url_is_refused() -> None:
    with pytest.raises(StorageUnavailable):
        asyncio.run(connect(DatabaseUrl("postgresql://127.0.91.99:1/d?sslmode=perhaps")))


def test_a_lost_connection_is_closed_without_a_word(url: str) -> None:
    async def story(connection: PostgresqlConnection) -> None:
        postgresql.end_connections(url)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetch("SELECT 1", ())
        assert connection.is_closed

    play(url, story)
