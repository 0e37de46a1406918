"""Packets out of a stream of bytes that may be split anywhere.

Counterpart: `decoding.py`, which reads the packet that is found here. The limit is the caller's to widen as it
comes to know its peer; a packet beyond it is refused by its length, before its body has arrived.
"""

from homeport.protocols.mqtt.decoding import decode
from homeport.protocols.mqtt.packets import MalformedPacket, Packet

_MAX_LENGTH_BYTES = 4


class PacketReader:
    """Feed it bytes, then take packets until there is none."""

    __slots__ = ("_buffer", "max_size")

    def __init__(self, max_size: int) -> None:
        self._buffer = bytearray()
        self.max_size = max_size
        """The largest remaining length that is accepted."""

    @property
    def buffered(self) -> int:
        """How many bytes wait to be taken."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what has arrived."""
        self._buffer += data

    def next_packet(self) -> Packet | None:
        """The next packet, or None while it is incomplete.

        Raises:
            MalformedPacket: the peer broke the standard, or the limit. The reader is of no use afterwards.
        """
        buffer = self._buffer
        span = self._body_span()
        if span is None or len(buffer) < span[1]:
            return None
        start, end = span
        first, body = buffer[0], bytes(buffer[start:end])
        del buffer[:end]
        return decode(first, body)

    def _body_span(self) -> tuple[int, int] | None:
        """Where the first packet's body begins and ends (2.2.3), None while its length is incomplete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length = 0
        for count, byte in enumerate(buffer[1 : _MAX_LENGTH_BYTES + 1]):
            length |= (byte & 0x7F) << 7 * count
            if byte < 0x80:
                return self._within_limit(2 + count, length)
        if len(buffer) > _MAX_LENGTH_BYTES:
            raise MalformedPacket("a remaining length of more than four bytes")
        return None

    def _within_limit(self, start: int, length: int) -> tuple[int, int]:
        if length > self.max_size:
            raise MalformedPacket(f"a packet of {length} bytes where {self.max_size} are the limit")
        return start, start + length
