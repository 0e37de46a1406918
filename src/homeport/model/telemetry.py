"""Device-to-cloud messages as an embedded hub keeps them: the newest ones, and how many there have been.

Counterparts: `storage/node_memory.py` keeps them, `hubs/embedded/documents.py` shows them.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

Properties = tuple[tuple[str, str], ...]

# What a stored message costs beside its texts, roughly; so that a flood of empty ones is bounded in bytes, too.
_OVERHEAD = 512


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it came. Sequence numbers are a hub's, start at 1, and have gaps where messages were dropped."""

    sequence_number: int
    enqueued_at: datetime
    device_id: str
    body: bytes
    properties: Properties


class RecentMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a hub's newest messages, oldest first; `received` and `dropped` count since the node's start."""

    received: int
    dropped: int
    messages: Sequence[Message]


def size_of(device_id: str, body: bytes, properties: Properties) -> int:
    """Bytes that a message is counted with."""
    return _OVERHEAD + len(body) + len(device_id) + sum(len(name) + len(value) for name, value in properties)
