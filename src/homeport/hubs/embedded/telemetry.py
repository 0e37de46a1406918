"""Device-to-cloud messages: the last ones of each hub, in memory, countable.

The hub in the box shows that telemetry arrives; it is no message store. A buffer is bounded by count and bytes,
the oldest message goes first and is counted as dropped, and all is gone when the server stops. `homeport hub
events` reads from here, through the hub's REST API.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import msgspec

from homeport.clock import Clock

MAX_MESSAGES = 10_000
MAX_BYTES = 16 * 1024 * 1024

Properties = tuple[tuple[str, str], ...]

# What a stored message costs beside its texts, roughly; so that a flood of empty ones is bounded in bytes, too.
_OVERHEAD = 512


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it came. Sequence numbers start at 1 and have gaps only where messages were dropped."""

    sequence_number: int
    enqueued_at: datetime
    device_id: str
    body: bytes
    properties: Properties

    @property
    def size(self) -> int:
        """Bytes that it is counted with."""
        texts = sum(len(name) + len(value) for name, value in self.properties)
        return _OVERHEAD + len(self.body) + len(self.device_id) + texts


class TelemetryBuffer:
    """The last messages of one hub. `received` and `dropped` count since the server's start."""

    def __init__(self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._messages: deque[Message] = deque()
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self.received = 0
        self.dropped = 0

    def append(self, device_id: str, body: bytes, properties: Properties, *, at: datetime) -> Message:
        """Take a message; what no longer fits is dropped, which may be the message itself."""
        self.received += 1
        message = Message(
            sequence_number=self.received, enqueued_at=at, device_id=device_id, body=body, properties=properties
        )
        self._messages.append(message)
        self._bytes += message.size
        while len(self._messages) > self._max_messages or self._bytes > self._max_bytes:
            self._bytes -= self._messages.popleft().size
            self.dropped += 1
        return message

    def after(self, sequence_number: int, limit: int) -> Sequence[Message]:
        """Up to `limit` messages behind this sequence number, oldest first."""
        newer = (message for message in self._messages if message.sequence_number > sequence_number)
        return list(islice(newer, limit))

    def forget(self, device_id: str) -> None:
        """Drop all messages of a device; they count as dropped."""
        kept = deque(message for message in self._messages if message.device_id != device_id)
        self.dropped += len(self._messages) - len(kept)
        self._messages = kept
        self._bytes = sum(message.size for message in kept)


class Telemetry:
    """A buffer for each embedded hub."""

    def __init__(self, clock: Clock, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._buffers: dict[str, TelemetryBuffer] = {}

    def record(self, hub_host_name: str, device_id: str, body: bytes, properties: Properties) -> Message:
        """Keep a message that a device has sent to a hub."""
        return self.of(hub_host_name).append(device_id, body, properties, at=self._clock.now())

    def of(self, hub_host_name: str) -> TelemetryBuffer:
        """The buffer of a hub. Callers name linked hubs only, so their number is bounded."""
        key = hub_host_name.lower()
        if key not in self._buffers:
            self._buffers[key] = TelemetryBuffer(max_messages=self._max_messages, max_bytes=self._max_bytes)
        return self._buffers[key]
