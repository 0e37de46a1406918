"""What is written to a node's memory, as values, and how they are done in one transaction, in their order.

Counterpart: `node_memory.py`, which lets them gather. Messages that stand together are counted and trimmed together.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, assert_never

from homeport.storage.sql import load

_SQL = load("node_memory")


class Bounds(NamedTuple):
    """How much of a hub's telemetry is kept."""

    max_messages: int
    max_bytes: int


class Keep(NamedTuple):
    """Take a message in: its size, time, device, properties and body."""

    hub: str
    row: tuple[int, int, str, bytes, bytes]


class Forget(NamedTuple):
    """Drop the messages of a device."""

    hub: str
    device_id: str


class Connect(NamedTuple):
    """A device is connected here."""

    row: tuple[str, str, int, str, int]


class Disconnect(NamedTuple):
    """A connection is over."""

    row: tuple[str, str, str]


Write = Keep | Forget | Connect | Disconnect


def perform(connection: sqlite3.Connection, writes: Iterable[Write], bounds: Bounds) -> None:
    """Do all of them, inside a transaction of the caller's."""
    gathered: dict[str, list[tuple[Any, ...]]] = {}
    for write in writes:
        if isinstance(write, Keep):
            gathered.setdefault(write.hub, []).append(write.row)
            continue
        if isinstance(write, Forget) and write.hub in gathered:
            _keep(connection, write.hub, gathered.pop(write.hub), bounds)
        _do(connection, write)
    for hub, rows in gathered.items():
        _keep(connection, hub, rows, bounds)


def _do(connection: sqlite3.Connection, write: Forget | Connect | Disconnect) -> None:
    match write:
        case Forget():
            sizes = [size for (size,) in connection.execute(_SQL["drop_of_device"], write).fetchall()]
            _count(connection, write.hub, kept=-len(sizes), kept_bytes=-sum(sizes))
        case Connect():
            connection.execute(_SQL["connect"], write.row)
        case Disconnect():
            connection.execute(_SQL["disconnect"], write.row)
        case _:
            assert_never(write)


def _keep(connection: sqlite3.Connection, hub: str, rows: Sequence[tuple[Any, ...]], bounds: Bounds) -> None:
    number = len(rows)
    last, kept, kept_bytes = _count(
        connection, hub, received=number, kept=number, kept_bytes=sum(row[0] for row in rows)
    )
    first = last - number + 1
    connection.executemany(_SQL["keep"], ((hub, first + index, *row) for index, row in enumerate(rows)))
    if kept > bounds.max_messages or kept_bytes > bounds.max_bytes:
        _trim(connection, hub, kept - bounds.max_messages, kept_bytes - bounds.max_bytes)


def _trim(connection: sqlite3.Connection, hub: str, excess: int, excess_bytes: int) -> None:
    """Drop the oldest until neither is too many, which may be all."""
    dropped = dropped_bytes = through = 0
    oldest = connection.execute(_SQL["oldest"], (hub,))
    for sequence_number, size in oldest:
        through, dropped, dropped_bytes = sequence_number, dropped + 1, dropped_bytes + size
        if dropped >= excess and dropped_bytes >= excess_bytes:
            break
    oldest.close()
    connection.execute(_SQL["drop_through"], (hub, through))
    _count(connection, hub, kept=-dropped, kept_bytes=-dropped_bytes)


def _count(
    connection: sqlite3.Connection, hub: str, *, received: int = 0, kept: int = 0, kept_bytes: int = 0
) -> tuple[int, int, int]:
    """Add to a hub's counts, and return them."""
    counts: tuple[int, int, int]
    (counts,) = connection.execute(_SQL["count"], (hub, received, kept, kept_bytes)).fetchall()
    return counts
