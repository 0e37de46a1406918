"""A word to all other processes: heard once, not by oneself, and again after the connection was lost."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests import postgresql

from homeport.clock import SystemRandomness
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_channel import LARGEST, PostgresqlChannel


class Listener:
    """One process: its channel, what it has heard, and how often it may have missed something."""

    def __init__(self, channel: PostgresqlChannel) -> None:
        self.channel = channel
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.missed: asyncio.Queue[None] = asyncio.Queue()
        channel.subscribe(self.heard.put_nowait, lambda: self.missed.put_nowait(None))


Story = Callable[[Listener, Listener], Awaitable[None]]


def play(url: str, story: Story, *, heartbeat: float = 5.0) -> None:
    async def run() -> None:
        one, two = [await opened(url, heartbeat=heartbeat) for _ in range(2)]
        try:
            await story(one, two)
        finally:
            await one.channel.close()
            await two.channel.close()

    asyncio.run(run())


async def opened(url: str, name: str = "homeport", *, heartbeat: float = 5.0) -> Listener:
    randomness = SystemRandomness()
    return Listener(await PostgresqlChannel.open(DatabaseUrl(url), name, randomness=randomness, heartbeat=heartbeat))


def test_what_one_says_the_other_hears_and_not_the_one(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        await one.channel.publish(b"from one\n\xff")
        await two.channel.publish(b"from two")
        assert await two.heard.get() == b"from one\n\xff"
        assert await one.heard.get() == b"from two"
        assert one.heard.empty()

    play(url, story)


def test_many_who_say_something_at_once_are_all_heard(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        said = [f"{number}".encode() for number in range(100)]
        await asyncio.gather(*map(one.channel.publish, said))
        assert [await two.heard.get() for _ in said] == said

    play(url, story)


def test_a_payload_has_a_largest_size(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        await one.channel.publish(b"x" * LARGEST)
        assert len(await two.heard.get()) == LARGEST
        with pytest.raises(ValueError, match="5001 bytes"):
            await one.channel.publish(b"x" * (LARGEST + 1))

    play(url, story)


def test_another_name_and_another_hand_are_not_heard(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        other = await opened(url, "another")
        await other.channel.publish(b"elsewhere")
        await other.channel.close()
        postgresql.ask(url, "NOTIFY homeport, 'not base64!'")
        await one.channel.publish(b"here")
        assert await two.heard.get() == b"here"

    play(url, story)


def test_after_a_lost_connection_it_listens_again_and_says_that_it_may_have_missed_something(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        postgresql.end_connections(url)
        await asyncio.gather(one.missed.get(), two.missed.get())
        await one.channel.publish(b"again")
        assert await two.heard.get() == b"again"

    play(url, story)


def test_while_the_connection_is_lost_nothing_can_be_said(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        postgresql.end_connections(url)
        with pytest.raises(StorageUnavailable):
            await one.channel.publish(b"into the void")

    play(url, story)


def test_a_silent_connection_is_asked_whether_it_is_there(url: str) -> None:
    async def story(one: Listener, two: Listener) -> None:
        backends = "FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT 1'"
        while postgresql.ask(url, f"SELECT count(*) {backends}") != "2":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert one.missed.empty()

    play(url, story, heartbeat=0.01)


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(StorageUnavailable):
        asyncio.run(opened("postgresql://127.0.91.99:1/homeport"))
