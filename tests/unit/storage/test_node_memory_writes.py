"""Writes to a node's memory take effect in their order, together with others of their kind."""

import sqlite3

import pytest

from homeport.storage.node_memory_writes import Bounds, Connect, Disconnect, Forget, Keep, Write, perform
from homeport.storage.sql import load

ROOMY = Bounds(max_messages=100, max_bytes=100_000)
SQL = load("node_memory")


@pytest.fixture
def memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for table in ("hubs", "messages", "messages_of_device", "connections"):
        connection.execute(SQL[table])
    return connection


def keep(body: bytes, device_id: str = "d", hub: str = "hub.test") -> Keep:
    return Keep(hub, (len(body), 0, device_id, b"[]", body))


def kept(memory: sqlite3.Connection, hub: str = "hub.test") -> list[tuple[int, bytes]]:
    """Numbers and bodies of a hub's messages; the counts agree with them."""
    rows = memory.execute(SQL["after"], (hub, 0, 1000)).fetchall()
    counted = memory.execute(SQL["count"], (hub, 0, 0, 0)).fetchone()
    assert counted[1:] == (len(rows), sum(len(row[4]) for row in rows))
    return [(row[0], row[4]) for row in rows]


def test_messages_are_numbered_by_hub_across_batches(memory: sqlite3.Connection) -> None:
    perform(memory, [keep(b"1"), keep(b"x", hub="other.test"), keep(b"2")], ROOMY)
    perform(memory, [keep(b"3")], ROOMY)
    assert kept(memory) == [(1, b"1"), (2, b"2"), (3, b"3")]
    assert kept(memory, "other.test") == [(1, b"x")]


@pytest.mark.parametrize("together", [True, False])
def test_forgetting_takes_what_came_before_and_leaves_what_came_after(
    memory: sqlite3.Connection, together: bool
) -> None:
    writes: list[Write] = [keep(b"1"), keep(b"2", "other"), Forget("hub.test", "d"), keep(b"3")]
    for batch in [writes] if together else [[write] for write in writes]:
        perform(memory, batch, ROOMY)
    assert kept(memory) == [(2, b"2"), (3, b"3")]


def test_the_oldest_go_by_count_and_by_bytes(memory: sqlite3.Connection) -> None:
    perform(memory, [keep(b"%d" % number) for number in range(1, 8)], Bounds(max_messages=3, max_bytes=100))
    assert kept(memory) == [(5, b"5"), (6, b"6"), (7, b"7")]
    perform(memory, [keep(bytes(98))], Bounds(max_messages=3, max_bytes=100))
    assert kept(memory) == [(6, b"6"), (7, b"7"), (8, bytes(98))]
    perform(memory, [keep(bytes(101))], Bounds(max_messages=3, max_bytes=100))
    assert kept(memory) == []


def test_the_greater_claim_holds_the_device(memory: sqlite3.Connection) -> None:
    def connect(stamp: int, connection: str) -> Connect:
        return Connect(("hub.test", "d", stamp, connection, 1))

    perform(memory, [connect(5, "b"), connect(5, "a"), connect(4, "z")], ROOMY)
    perform(memory, [Disconnect(("hub.test", "d", "a"))], ROOMY)
    assert memory.execute(SQL["connected"], ("hub.test", "d")).fetchone()
    perform(memory, [Disconnect(("hub.test", "d", "b"))], ROOMY)
    assert not memory.execute(SQL["connected"], ("hub.test", "d")).fetchone()
