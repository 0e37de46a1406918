"""What a node remembers: order, counts, bounds and forgetting, alone and among workers that share the file."""

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.model.telemetry import size_of
from homeport.storage.node_memory import SqliteNodeMemory
from homeport.storage.port import StorageUnavailable

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HUB = "hub.test"


def record(memory: SqliteNodeMemory, body: bytes = b"x", device_id: str = "d", hub: str = HUB) -> None:
    memory.record(hub, device_id, body=body, properties=(("$.mid", "m"),), at=NOW)


def filled(count: int, *, max_messages: int = 100, max_bytes: int = 10**6) -> SqliteNodeMemory:
    memory = SqliteNodeMemory.open(max_messages=max_messages, max_bytes=max_bytes)
    for number in range(count):
        record(memory, device_id=f"d{number % 2}")
    return memory


def numbers(memory: SqliteNodeMemory, after: int = 0, limit: int = 1000) -> list[int]:
    return [message.sequence_number for message in memory.messages(HUB, after=after, limit=limit).messages]


def counts(memory: SqliteNodeMemory) -> tuple[int, int]:
    """Received and dropped."""
    recent = memory.messages(HUB, after=0, limit=0)
    return recent.received, recent.dropped


def live(scenario: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def lived() -> None:
        await scenario()

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    return test


def shared(scenario: Callable[[Path], Awaitable[None]]) -> Callable[[Path], None]:
    """Make a test of a coroutine that takes the file that workers share."""

    async def lived(file: Path) -> None:
        await scenario(file)

    def test(tmp_path: Path) -> None:
        asyncio.run(lived(tmp_path / "memory.db"))

    test.__name__ = scenario.__name__
    return test


# --- telemetry ------------------------------------------------------------------------------------------------


@live
async def test_messages_are_read_in_order_from_a_sequence_number_on() -> None:
    memory = filled(5)
    assert numbers(memory) == [1, 2, 3, 4, 5]
    assert numbers(memory, after=2, limit=2) == [3, 4]
    assert numbers(memory, after=5) == numbers(memory, after=99) == []
    assert counts(memory) == (5, 0)


@live
async def test_a_message_comes_back_as_it_was() -> None:
    memory = SqliteNodeMemory.open()
    memory.record("HUB.test", "ü", body=b"\xff\0", properties=(("a", "ü"), ("", "")), at=NOW)
    (message,) = memory.messages("hub.TEST", after=0, limit=1).messages
    assert (message.device_id, message.body, message.properties) == ("ü", b"\xff\0", (("a", "ü"), ("", "")))
    assert (message.sequence_number, message.enqueued_at) == (1, NOW)


@live
async def test_the_oldest_go_first_and_are_counted() -> None:
    memory = filled(5, max_messages=3)
    assert numbers(memory) == [3, 4, 5]
    assert counts(memory) == (5, 2)


@live
async def test_a_message_that_does_not_fit_at_all_is_counted_and_gone() -> None:
    memory = SqliteNodeMemory.open(max_bytes=1000)
    numbers(memory)
    record(memory, bytes(900))
    assert (numbers(memory), counts(memory)) == ([], (1, 1))


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=30))
def test_whatever_comes_nothing_is_lost_uncounted(sizes: list[tuple[int, bool]]) -> None:
    @live
    async def scenario() -> None:
        memory = SqliteNodeMemory.open(max_messages=8, max_bytes=6000)
        for size, written_at_once in sizes:
            record(memory, bytes(size))
            if written_at_once:
                numbers(memory)
        recent = memory.messages(HUB, after=0, limit=1000)
        assert recent.received == recent.dropped + len(recent.messages)
        assert len(recent.messages) <= 8
        sizes_kept = [size_of(message.device_id, message.body, message.properties) for message in recent.messages]
        assert sum(sizes_kept) <= 6000

    scenario()


@live
async def test_a_forgotten_device_leaves_no_message_and_frees_its_room() -> None:
    memory = filled(4, max_messages=4)
    memory.forget(HUB, "d0")
    assert [message.device_id for message in memory.messages(HUB, after=0, limit=10).messages] == ["d1", "d1"]
    assert counts(memory) == (4, 2)
    record(memory)
    record(memory)
    assert numbers(memory) == [2, 4, 5, 6]


@live
async def test_hubs_do_not_share_numbers_or_bounds() -> None:
    memory = filled(3, max_messages=3)
    record(memory, hub="other.test")
    assert [message.sequence_number for message in memory.messages("other.test", after=0, limit=9).messages] == [1]
    assert numbers(memory) == [1, 2, 3]


# --- among workers --------------------------------------------------------------------------------------------


@shared
async def test_workers_count_together_and_see_each_others_messages(file: Path) -> None:
    one, two = SqliteNodeMemory.open(file, max_messages=4), SqliteNodeMemory.open(file, max_messages=4)
    for memory in (one, two, one, two, one):
        record(memory)
        numbers(memory)
    assert numbers(one) == numbers(two) == [2, 3, 4, 5]
    assert counts(one) == counts(two) == (5, 1)
    two.forget(HUB, "d")
    assert numbers(one) == []


@shared
async def test_what_is_recorded_is_there_for_the_others_without_being_asked_for(file: Path) -> None:
    one, two = SqliteNodeMemory.open(file), SqliteNodeMemory.open(file)
    record(one)
    async with asyncio.timeout(10):
        while not numbers(two):  # noqa: ASYNC110 (another process' writing is no event)
            await asyncio.sleep(0.001)


@shared
async def test_a_lock_keeps_nobody_waiting_and_loses_nothing(file: Path) -> None:
    memory, other = SqliteNodeMemory.open(file), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    record(memory)
    memory.connected(HUB, "d", stamp=1, connection="c")
    memory.forget(HUB, "nobody")
    assert (numbers(memory), memory.is_connected(HUB, "d")) == ([], False)
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(10):
        while not SqliteNodeMemory.open(file).is_connected(HUB, "d"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert numbers(memory) == [1]


@shared
async def test_what_waits_for_a_lock_is_bounded(file: Path) -> None:
    memory, other = SqliteNodeMemory.open(file, max_bytes=10_000), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    memory.connected(HUB, "d", stamp=1, connection="c")
    for _ in range(100):
        record(memory, bytes(1000))
    other.execute("ROLLBACK")
    other.close()
    assert memory.is_connected(HUB, "d")
    assert counts(memory)[0] < 10


@shared
async def test_memory_that_cannot_be_had_says_so(file: Path) -> None:
    with pytest.raises(StorageUnavailable):
        SqliteNodeMemory.open(file / "in a directory that is not there")
    memory = SqliteNodeMemory.open()
    memory.close()
    with pytest.raises(StorageUnavailable):
        memory.is_connected(HUB, "d")


# --- connections ----------------------------------------------------------------------------------------------


@shared
async def test_a_connection_to_any_worker_is_seen_by_all(file: Path) -> None:
    one, two = SqliteNodeMemory.open(file), SqliteNodeMemory.open(file)
    one.connected("HUB.test", "d", stamp=1, connection="first")
    assert one.is_connected(HUB, "d")
    assert two.is_connected(HUB, "d")
    assert not two.is_connected(HUB, "D")
    two.connected(HUB, "d", stamp=2, connection="second")
    two.close()
    one.disconnected(HUB, "d", connection="first")
    assert one.is_connected(HUB, "d")
    one.disconnected(HUB, "d", connection="second")
    assert not one.is_connected(HUB, "d")


LEAVES_A_CONNECTION = """
import asyncio, os, sys
from pathlib import Path
from homeport.storage.node_memory import SqliteNodeMemory

async def killed():
    memory = SqliteNodeMemory.open(Path(sys.argv[1]))
    memory.connected("hub.test", "d", stamp=1, connection="c")
    assert memory.is_connected("hub.test", "d")
    os._exit(0)

asyncio.run(killed())
"""


@shared
async def test_a_killed_worker_s_connections_are_forgotten_by_the_next(file: Path) -> None:
    survivor = SqliteNodeMemory.open(file)
    survivor.connected(HUB, "mine", stamp=1, connection="m")
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", LEAVES_A_CONNECTION, str(file))
    assert await other.wait() == 0
    assert survivor.is_connected(HUB, "d")
    SqliteNodeMemory.open(file)
    assert not survivor.is_connected(HUB, "d")
    assert survivor.is_connected(HUB, "mine")
