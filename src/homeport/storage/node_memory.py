"""What a node remembers while it runs, in SQLite: a file that its workers share, or the memory of its only process.

Implements `hubs/embedded/node_memory.py`. No commit waits for a disk and nothing waits for a lock: writes gather for
a few milliseconds, are done together, and wait on while another worker has the lock. The file is the run
directory's, made by the first worker and removed with it: it is no store, has no migrations and is in no backup.
"""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec

from homeport.clock import from_microseconds, to_microseconds
from homeport.model.telemetry import Message, Properties, RecentMessages, size_of
from homeport.storage.node_memory_writes import Bounds, Connect, Disconnect, Forget, Keep, Write, perform
from homeport.storage.port import StorageUnavailable
from homeport.storage.rows import Parameters, Row
from homeport.storage.sql import load
from homeport.storage.sqlite_connections import open_writer

NODE_MEMORY = "node-memory.db"
"""The name of its file in the run directory."""
MAX_MESSAGES = 10_000
MAX_BYTES = 16 * 1024 * 1024

_SQL = load("node_memory")
_CONNECTION_SQL = load("connection")
_LINGER = 0.005
_PATIENCE = 0.02
"""Seconds until the next attempt when another process has the lock."""
_MAX_WAITING = 20_000
"""Writes that may wait for the lock; beyond, messages are lost, and then the oldest connections."""
_PROPERTIES = msgspec.json.Decoder(Properties)


class SqliteNodeMemory:
    """Implements `NodeMemory`. Made by `open`; belongs to one event loop."""

    def __init__(self, connection: sqlite3.Connection, bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds
        self._waiting: list[Write] = []
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._process = os.getpid()

    @classmethod
    def open(cls, file: Path | None = None, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> Self:
        """The memory of the node in `file`, made if there is none; None: of a node that is one process.

        Connections that killed processes have left behind are forgotten.

        Raises:
            StorageUnavailable: the file cannot be made or opened.
        """
        try:
            connection = _connect(file)
            _furnish(connection)
        except sqlite3.Error as error:
            raise StorageUnavailable(f"The node's memory cannot be opened: {error}.") from error
        return cls(connection, Bounds(max_messages=max_messages, max_bytes=max_bytes))

    def record(self, hub_host_name: str, device_id: str, *, body: bytes, properties: Properties, at: datetime) -> None:
        """Keep a message; its number is given when it is written."""
        row = (
            size_of(device_id, body, properties),
            to_microseconds(at),
            device_id,
            msgspec.json.encode(properties),
            body,
        )
        self._write(Keep(hub_host_name.lower(), row))

    def messages(self, hub_host_name: str, *, after: int, limit: int) -> RecentMessages:
        """What this process has recorded is always among them; another's comes some milliseconds later."""
        self._flush()
        hub = hub_host_name.lower()
        # Between the two reads only more can come, so no message is counted as dropped that is not.
        rows = self._read("after", (hub, after, limit))
        counted = self._read("counts", (hub,))
        received, kept = counted[0] if counted else (0, 0)
        return RecentMessages(received=received, dropped=received - kept, messages=[_message(row) for row in rows])

    def forget(self, hub_host_name: str, device_id: str) -> None:
        """Done at once where no other process has the lock."""
        self._write(Forget(hub_host_name.lower(), device_id))
        self._flush()

    def connected(self, hub_host_name: str, device_id: str, *, stamp: int, connection: str) -> None:
        """Note the connection; an older one of another process does not replace it."""
        self._write(Connect((hub_host_name.lower(), device_id, stamp, connection, self._process)))

    def disconnected(self, hub_host_name: str, device_id: str, *, connection: str) -> None:
        """Forget the connection."""
        self._write(Disconnect((hub_host_name.lower(), device_id, connection)))

    def is_connected(self, hub_host_name: str, device_id: str) -> bool:
        """Whether a process of the node has noted the device."""
        self._flush()
        return bool(self._read("connected", (hub_host_name.lower(), device_id)))

    def close(self) -> None:
        """Write what waits, if nobody has the lock, and close."""
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        self._connection.close()

    def _write(self, write: Write) -> None:
        self._waiting.append(write)
        self._waiting_bytes += write.row[0] if isinstance(write, Keep) else 0
        if len(self._waiting) > _MAX_WAITING or self._waiting_bytes > self._bounds.max_bytes:
            self._make_room()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LINGER, self._due)

    def _make_room(self) -> None:
        self._flush()
        kept: list[Write] = [write for write in self._waiting if not isinstance(write, Keep)]
        self._waiting, self._waiting_bytes = kept[-_MAX_WAITING // 2 :], 0

    def _due(self) -> None:
        self._timer = None
        self._flush()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._due)

    def _flush(self) -> None:
        """Write what waits. A lock or a full disk may be over at the next attempt."""
        if not self._waiting:
            return
        try:
            self._commit(self._waiting)
        except sqlite3.OperationalError:
            return
        self._waiting, self._waiting_bytes = [], 0

    def _commit(self, writes: Sequence[Write]) -> None:
        connection = self._connection
        connection.execute(_CONNECTION_SQL["begin"])
        try:
            perform(connection, writes, self._bounds)
            connection.execute(_CONNECTION_SQL["commit"])
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute(_CONNECTION_SQL["rollback"])
            raise

    def _read(self, query: str, parameters: Parameters) -> Sequence[Row]:
        try:
            return self._connection.execute(_SQL[query], parameters).fetchall()
        except sqlite3.Error as error:
            raise StorageUnavailable(f"The node's memory cannot be read: {error}.") from error


def _connect(file: Path | None) -> sqlite3.Connection:
    if file is None:
        return sqlite3.connect(":memory:", isolation_level=None)
    return open_writer(file, durable=False)


def _furnish(connection: sqlite3.Connection) -> None:
    """Workers that start together wait for each other here, and never again."""
    connection.execute(_SQL["checkpoint_pages"])
    connection.execute(_CONNECTION_SQL["begin"])
    for table in ("hubs", "messages", "messages_of_device", "connections"):
        connection.execute(_SQL[table])
    for (process,) in connection.execute(_SQL["processes"]).fetchall():
        if not _is_alive(process):
            connection.execute(_SQL["bury"], (process,))
    connection.execute(_CONNECTION_SQL["commit"])
    connection.execute(_CONNECTION_SQL["do_not_wait"])


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _message(row: Row) -> Message:
    sequence_number, enqueued_at, device_id, properties, body = row
    return Message(
        sequence_number=sequence_number,
        enqueued_at=from_microseconds(enqueued_at),
        device_id=device_id,
        body=body,
        properties=_PROPERTIES.decode(properties),
    )
