"""A word from one process to all others on the same database: LISTEN and NOTIFY, on a connection of its own.

Carries short payloads and knows nothing of what they mean. What a process publishes does not come back to it. A payload
reaches those who listen at that moment, at most once: after a lost connection a subscriber is told that it may have
missed something. A notification is no part of any registration: the server lets one transaction that notifies commit
after the other. Not every engine has it (docs/explanation/databases.md).
"""

import asyncio
import base64
import binascii
import math
from collections.abc import Callable
from contextlib import suppress

from homeport.clock import Randomness
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.pauses import jittered, pauses
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import PostgresqlConnection, connect
from homeport.storage.postgresql_errors import DRIVER_ERRORS, unavailable
from homeport.storage.sql import load_for

LARGEST = 5_000
"""Bytes of a payload; in base64 well under the server's limit of 8,000."""
HEARTBEAT = 5.0
"""Seconds after which a silent connection is asked whether it is still there."""
_LONGEST_PAUSE = 1.0

_SQL = load_for("postgresql", "channel")


class PostgresqlChannel:
    """One name that processes listen to. Made by `open`."""

    def __init__(self, url: DatabaseUrl, name: str, *, randomness: Randomness, heartbeat: float = HEARTBEAT) -> None:
        self._url = url
        self._name = name
        self._randomness = randomness
        self._heartbeat = heartbeat
        self._subscribers: list[tuple[Callable[[bytes], None], Callable[[], None]]] = []
        self._connection: PostgresqlConnection | None = None
        self._in_use = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, url: DatabaseUrl, name: str = "homeport", *, randomness: Randomness, heartbeat: float = HEARTBEAT
    ) -> "PostgresqlChannel":
        """Listen, and go on listening whatever becomes of the server.

        Raises:
            StorageUnavailable: there is no server yet.
        """
        channel = cls(url, name, randomness=randomness, heartbeat=heartbeat)
        lost = await channel._listen()
        channel._task = asyncio.get_running_loop().create_task(channel._keep_listening(lost))
        return channel

    def subscribe(self, receive: Callable[[bytes], None], missed: Callable[[], None] = lambda: None) -> None:
        """Have each payload of another process given to `receive`; `missed` is called when some may have been lost."""
        self._subscribers.append((receive, missed))

    async def publish(self, payload: bytes) -> None:
        """Send a payload to every other process that listens.

        Raises:
            ValueError: it is larger than `LARGEST`.
            StorageUnavailable: the server does not answer; whether somebody has heard it is not known.
        """
        if len(payload) > LARGEST:
            raise ValueError(f"A payload of {len(payload)} bytes; at most {LARGEST} are carried.")
        text = base64.b64encode(payload).decode()
        async with self._in_use:
            if self._connection is None:
                raise StorageUnavailable("The database does not answer.")
            try:
                await self._connection.fetch(_SQL["notify"], (self._name, text))
            except DRIVER_ERRORS as error:
                raise unavailable(error) from error

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            await self._connection.close()

    async def _keep_listening(self, lost: asyncio.Event) -> None:
        while True:
            await self._until_lost(lost)
            self._forget()
            lost = await self._listen_again()
            for _, missed in self._subscribers:
                missed()

    async def _until_lost(self, lost: asyncio.Event) -> None:
        """A connection can be gone without a word, when a machine is; so it is asked."""
        while not lost.is_set():
            try:
                async with asyncio.timeout(self._heartbeat):
                    await lost.wait()
            except TimeoutError:
                await self._ask(lost)

    async def _ask(self, lost: asyncio.Event) -> None:
        async with self._in_use:
            if self._connection is None:
                lost.set()
                return
            try:
                await self._connection.fetch(_SQL["ask"], ())
            except DRIVER_ERRORS:
                lost.set()

    async def _listen_again(self) -> asyncio.Event:
        for pause in pauses(math.inf, longest=_LONGEST_PAUSE):
            await asyncio.sleep(jittered(pause, self._randomness))
            with suppress(StorageUnavailable):
                return await self._listen()
        raise AssertionError("pauses do not end")

    async def _listen(self) -> asyncio.Event:
        connection, lost = await connect(self._url), asyncio.Event()
        try:
            await connection.listen(self._name, self._receive, when_lost=lost.set)
        except DRIVER_ERRORS as error:
            connection.terminate()
            raise unavailable(error) from error
        self._connection = connection
        return lost

    def _receive(self, text: str) -> None:
        try:
            payload = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return  # Not ours: anybody who may connect to the database may notify.
        for receive, _ in self._subscribers:
            receive(payload)

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
