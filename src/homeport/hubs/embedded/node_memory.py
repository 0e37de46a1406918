"""What the embedded hub's part of one node remembers while it runs, in whichever worker it happened.

A port: the composition root brings `storage/node_memory.py`. Nothing here survives the node, and nothing is worth a
wait: what is recorded may be written a few milliseconds later, and a full or locked memory costs old messages, never
a device's connection. Hub host names are compared ignoring case, device IDs are not.
"""

from datetime import datetime
from typing import Protocol

from homeport.model.telemetry import Properties, RecentMessages


class NodeMemory(Protocol):
    """The newest telemetry and the connections of a node's devices."""

    def record(self, hub_host_name: str, device_id: str, *, body: bytes, properties: Properties, at: datetime) -> None:
        """Keep a message that a device has sent; the oldest go when there are too many."""
        ...

    def messages(self, hub_host_name: str, *, after: int, limit: int) -> RecentMessages:
        """Up to `limit` messages of a hub behind the sequence number `after`.

        Raises:
            StorageUnavailable: the memory cannot be read.
        """
        ...

    def forget(self, hub_host_name: str, device_id: str) -> None:
        """Drop all messages of a device; they count as dropped."""
        ...

    def connected(self, hub_host_name: str, device_id: str, *, stamp: int, connection: str) -> None:
        """A device has connected to this process; the highest `stamp` and `connection` holds it."""
        ...

    def disconnected(self, hub_host_name: str, device_id: str, *, connection: str) -> None:
        """That connection is over."""
        ...

    def is_connected(self, hub_host_name: str, device_id: str) -> bool:
        """Whether any process of the node holds the device.

        Raises:
            StorageUnavailable: the memory cannot be read.
        """
        ...
