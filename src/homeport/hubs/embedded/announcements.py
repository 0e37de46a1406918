"""What workers and nodes tell each other of the embedded hub's devices: typed, small, and allowed to get lost.

A device is connected to one worker, an administrator's request reaches another, so whoever has changed something
announces it once it is durable. An announcement names hub and device, never a key and nothing of a twin; a receiver
reads what is stored. The carrier is a `Channel`: nothing in a lone process, datagrams among the workers of a node
(`endpoints/worker_datagrams.py`), the database's notifications among nodes.

Guaranteed: who receives an announcement acts on it the same way however often it comes and in whatever order.
Not guaranteed: that it arrives. Each connection is compared with storage every few minutes, and announces itself
again (`reconciliation.py`); so what got lost is late, by that much: desired properties, the end of a device that was
disabled or deleted, the end of all but the newest connection of a device. A device that reads its twin sees the
truth at any time, and a new connection is always judged by what is stored.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Protocol

import msgspec

from homeport.storage.port import StorageUnavailable

MAX_PAYLOAD = 4_096
"""Bytes; PostgreSQL's notifications take 8,000, and a few of these fit into the queue of any datagram socket."""
MAX_WAITING = 10_000
"""Announcements that may wait for their channel; beyond, the oldest are lost."""
# Leaves room for as many greater ones in 64 bits.
_GREATEST_STAMP = 2**62


class Channel(Protocol):
    """Carries payloads to every other process that serves the same hubs; as well as it can, in no certain order."""

    async def publish(self, payload: bytes) -> None:
        """Send up to MAX_PAYLOAD bytes of UTF-8 without NUL to all others; one's own may come back.

        Raises:
            OSError: the carrier does not work now; the payload is lost.
            StorageUnavailable: the same, of a carrier that is the database.
        """
        ...

    def subscribe(self, receive: Callable[[bytes], None], missed: Callable[[], None] = ...) -> None:
        """Have `receive` called with each payload, on the event loop, and `missed` when the carrier has been down."""
        ...


def _nothing() -> None:
    """Who does not ask for what was missed."""


class LocalChannel:
    """A channel among those who share the object: in a lone process nobody else."""

    def __init__(self) -> None:
        self._receivers: list[Callable[[bytes], None]] = []

    async def publish(self, payload: bytes) -> None:
        """Hand the payload to all, the sender among them."""
        for receive in self._receivers:
            receive(payload)

    def subscribe(self, receive: Callable[[bytes], None], missed: Callable[[], None] = _nothing) -> None:
        """Hand later payloads to `receive`, too; none is ever missed."""
        self._receivers.append(receive)


class JoinedChannels:
    """Several channels as one: each reaches whom it reaches. Who is reached by two acts once, as announcements are."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = channels

    async def publish(self, payload: bytes) -> None:
        """Send on all channels; one that does not work is no reason to leave out the next."""
        for channel in self._channels:
            with suppress(OSError, StorageUnavailable):
                await channel.publish(payload)

    def subscribe(self, receive: Callable[[bytes], None], missed: Callable[[], None] = _nothing) -> None:
        """Listen to all channels."""
        for channel in self._channels:
            channel.subscribe(receive, missed)


class DeviceConnected(msgspec.Struct, frozen=True, array_like=True, tag="connected"):
    """A connection of a device, by its claim (see `connections.Claim`); one with an older claim must end."""

    hub_host_name: str
    device_id: str
    stamp: Annotated[int, msgspec.Meta(ge=0, le=_GREATEST_STAMP)]
    connection: str


class DesiredPropertiesAdvanced(msgspec.Struct, frozen=True, array_like=True, tag="desired"):
    """The desired properties have this version now; a connected device that has an older one is to be told."""

    hub_host_name: str
    device_id: str
    version: int


class DeviceAltered(msgspec.Struct, frozen=True, array_like=True, tag="altered"):
    """The device may have been disabled, or have other keys, or another twin: its connection is to be judged again."""

    hub_host_name: str
    device_id: str


class DeviceGone(msgspec.Struct, frozen=True, array_like=True, tag="gone"):
    """The device was deleted; its connection must end, and nothing of it be remembered."""

    hub_host_name: str
    device_id: str


Announcement = DeviceConnected | DesiredPropertiesAdvanced | DeviceAltered | DeviceGone

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Announcement] = msgspec.json.Decoder(Announcement)


class Announcements:
    """One process's end of a channel. Announcements that are made together travel together.

    A payload is lines: the sender's random name, by which it knows its own, then an announcement in each.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        sender: str,
        receive: Callable[[Announcement], None],
        missed: Callable[[], None] = _nothing,
    ) -> None:
        self._channel = channel
        self._sender = sender.encode()
        self._receive = receive
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._sending: asyncio.Task[None] | None = None
        channel.subscribe(self._received, missed)

    def announce(self, announcement: Announcement) -> None:
        """Tell all other processes, soon."""
        self._waiting.append(_ENCODER.encode(announcement))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    def close(self) -> None:
        """Announce nothing more."""
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self) -> None:
        while self._waiting:
            with suppress(OSError, StorageUnavailable):
                await self._channel.publish(self._next_payload())

    def _next_payload(self) -> bytes:
        lines = [self._sender]
        room = MAX_PAYLOAD - len(self._sender)
        while self._waiting and (len(lines) == 1 or len(self._waiting[0]) < room):
            room -= len(self._waiting[0]) + 1
            lines.append(self._waiting.popleft())
        return b"\n".join(lines)

    def _received(self, payload: bytes) -> None:
        """Lines that cannot be read are another version's, or nobody's, and are passed over."""
        sender, *lines = payload.split(b"\n")
        if sender == self._sender:
            return
        for line in lines:
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                self._receive(_DECODER.decode(line))
