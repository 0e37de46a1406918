"""Reads in company: what is asked at once is answered together, and nobody's giving up disturbs another."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests import postgresql

from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import PostgresqlConnection, connect
from homeport.storage.postgresql_reads import MOST, ReadPool
from homeport.storage.rows import Row
from homeport.storage.sql import load, load_for

CONTEXT = load("registrations")["context"]
CONTEXTS = load_for("postgresql", "bulk")["contexts"]
RECORD = load("registrations")["record"]


class Answering:
    """A connection that notes what it is asked and answers with the keys; `gate` holds its answers back."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_asked = asyncio.Event()
        self.connections = 0
        self.terminated = 0

    async def connect(self) -> "Answering":
        self.connections += 1
        return self

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> Sequence[Row]:
        self.asked.append((sql, tuple(parameters)))
        self.is_asked.set()
        await asyncio.sleep(0)
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop()
        if sql == CONTEXTS:
            return [(*key, number + 1) for number, key in enumerate(zip(*parameters, strict=True))]
        return [tuple(parameters)]

    def terminate(self) -> None:
        self.terminated += 1

    async def close(self) -> None:
        pass


def pool_on(answering: Answering, size: int = 1) -> ReadPool:
    return ReadPool(answering.connect, size=size)  # type: ignore[arg-type]


def test_a_lone_question_goes_as_it_is() -> None:
    async def story() -> None:
        answering = Answering()
        assert await pool_on(answering).fetch(CONTEXT, (1, "a")) == [(1, "a")]
        assert answering.asked == [(CONTEXT, (1, "a"))]

    asyncio.run(story())


def test_contexts_of_many_devices_are_one_question_and_each_gets_its_own() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        answers = await asyncio.gather(*(pool.fetch(CONTEXT, (1, name)) for name in "abc"))
        assert [answer[0][:2] for answer in answers] == [(1, "a"), (1, "b"), (1, "c")]
        assert answering.asked == [(CONTEXTS, ((1, 1, 1), ("a", "b", "c")))]

    asyncio.run(story())


def test_a_statement_takes_so_many_and_the_rest_wait_for_the_next() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        await asyncio.gather(*(pool.fetch(CONTEXT, (1, f"dev-{number}")) for number in range(MOST + 2)))
        assert [len(parameters[0]) for _, parameters in answering.asked] == [MOST, 2]

    asyncio.run(story())


def test_contexts_are_asked_for_one_statement_at_a_time_and_nothing_else_waits_for_it() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering, size=4)
        answering.gate.clear()
        first = asyncio.ensure_future(pool.fetch(CONTEXT, (1, "a")))
        await answering.is_asked.wait()
        later = [asyncio.ensure_future(pool.fetch(CONTEXT, (1, name))) for name in "bc"]
        other = asyncio.ensure_future(pool.fetch(RECORD, (1, "d")))
        await asyncio.sleep(0.01)
        assert answering.asked == [(CONTEXT, (1, "a")), (RECORD, (1, "d"))]
        answering.gate.set()
        answers = await asyncio.gather(first, *later, other)
        assert [answer[0][1] for answer in answers] == list("abcd")
        assert answering.asked[2:] == [(CONTEXTS, ((1, 1), ("b", "c")))]

    asyncio.run(story())


def test_the_same_question_is_asked_once_for_all_and_another_is_not_mixed_up_with_it() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        answers = await asyncio.gather(*(pool.fetch(RECORD, (1, name)) for name in "aabab"))
        assert [answer[0][1] for answer in answers] == list("aabab")
        assert answering.asked == [(RECORD, (1, "a")), (RECORD, (1, "b"))]

    asyncio.run(story())


def test_who_asks_while_an_answer_is_on_its_way_gets_a_later_one() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        answering.gate.clear()
        first = asyncio.ensure_future(pool.fetch(RECORD, (1, "a")))
        await answering.is_asked.wait()
        second = asyncio.ensure_future(pool.fetch(RECORD, (1, "a")))
        await asyncio.sleep(0)
        answering.gate.set()
        await asyncio.gather(first, second)
        assert len(answering.asked) == 2

    asyncio.run(story())


def test_who_gives_up_disturbs_nobody() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        answering.gate.clear()
        questions = [asyncio.ensure_future(pool.fetch(CONTEXT, (1, name))) for name in "abc"]
        await answering.is_asked.wait()
        questions[1].cancel()
        answering.gate.set()
        assert [answer[0][1] for answer in (await questions[0], await questions[2])] == ["a", "c"]
        assert (answering.connections, answering.terminated) == (1, 0)

    asyncio.run(story())


def test_a_lost_connection_is_replaced_once() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        answering.failures = [ConnectionResetError("gone")]
        assert await pool.fetch(RECORD, (1, "a")) == [(1, "a")]
        answering.failures = [ConnectionResetError("gone"), ConnectionResetError("gone")]
        with pytest.raises(StorageUnavailable, match="gone"):
            await pool.fetch(RECORD, (1, "a"))
        assert await pool.fetch(RECORD, (1, "b")) == [(1, "b")]

    asyncio.run(story())


def test_another_failure_reaches_all_who_asked_that_question_and_nobody_else() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        answering.failures = [ValueError("broken")]
        asked = [pool.fetch(CONTEXT, (1, "a")), pool.fetch(CONTEXT, (1, "b")), pool.fetch(RECORD, (1, "c"))]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StorageUnavailable, StorageUnavailable, list]

    asyncio.run(story())


def test_there_are_as_many_connections_as_are_needed_and_no_more() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering, size=2)
        for _ in range(3):
            await pool.fetch(RECORD, (1, "a"))
        assert answering.connections == 1
        await asyncio.gather(*(pool.fetch(RECORD, (1, str(number))) for number in range(20)))
        assert answering.connections == 2

    asyncio.run(story())


def test_a_closed_pool_answers_what_was_asked_and_takes_nothing_more() -> None:
    async def story() -> None:
        answering = Answering()
        pool = pool_on(answering)
        asked = asyncio.ensure_future(pool.fetch(RECORD, (1, "a")))
        await asyncio.sleep(0)
        await pool.close()
        assert await asked == [(1, "a")]
        with pytest.raises(StorageUnavailable, match="closed"):
            await pool.fetch(RECORD, (1, "a"))

    asyncio.run(story())


def test_on_a_real_server_idle_connections_that_were_ended_go_unnoticed(url: str) -> None:
    async def opened() -> PostgresqlConnection:
        return await connect(DatabaseUrl(url))

    async def story() -> None:
        pool = ReadPool(opened)
        await asyncio.gather(*(pool.fetch("SELECT $1::bigint", (number,)) for number in range(10)))
        postgresql.end_connections(url)
        answers = await asyncio.gather(*(pool.fetch("SELECT $1::bigint", (number,)) for number in range(10)))
        assert [answer[0][0] for answer in answers] == list(range(10))
        await pool.close()

    asyncio.run(story())
