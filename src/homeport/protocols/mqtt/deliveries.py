"""QoS 1 on one connection, in both directions: which packet identifiers are taken and what is to be acknowledged.

Sessions are never persistent, so nothing here is resent: a message that was not acknowledged dies with its
connection, and its sender brings it again.
"""

from collections import deque

_MAX_PACKET_ID = 0xFFFF


class OutgoingDeliveries:
    """Messages to the client that it has not acknowledged, at most `limit` of them."""

    __slots__ = ("_last", "_limit", "_open")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[int] = set()
        self._last = 0

    def begin(self, qos: int) -> int | None:
        """A packet identifier that no open delivery has; 0 with QoS 0, which needs none.

        None if the client already owes `limit` answers.
        """
        if not qos:
            return 0
        if len(self._open) >= self._limit:
            return None
        self._last = self._last % _MAX_PACKET_ID + 1
        while self._last in self._open:
            self._last = self._last % _MAX_PACKET_ID + 1
        self._open.add(self._last)
        return self._last

    def acknowledged(self, packet_id: int) -> None:
        """The client has the message. An identifier that is not open is ignored."""
        self._open.discard(packet_id)


class IncomingDeliveries:
    """Messages from the client; acknowledgements leave in the order in which the messages came (4.6)."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: deque[tuple[int, bool]] = deque()

    def take(self, packet_id: int) -> None:
        """A message has come; 0, which is QoS 0, needs no answer."""
        if packet_id:
            self._open.append((packet_id, False))

    def settle(self, packet_id: int) -> list[int]:
        """The message is in good hands: the identifiers that may be acknowledged now, in order."""
        if (packet_id, False) in self._open:
            self._open[self._open.index((packet_id, False))] = (packet_id, True)
        ready = []
        while self._open and self._open[0][1]:
            ready.append(self._open.popleft()[0])
        return ready

    def settle_all(self) -> list[int]:
        """As `settle`, for every message."""
        ready = [packet_id for packet_id, _ in self._open]
        self._open.clear()
        return ready
