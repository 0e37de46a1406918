"""Headers and frames in a stream of bytes that may be split anywhere (2.2, 2.3), and frames as bytes.

A frame beyond the limit is refused by its length, before its body has arrived. Which frame may come when is the
session's to know; it also says when the next bytes must be a header.
"""

import enum
from typing import cast, get_args

import msgspec

from homeport.protocols.amqp.composites import composed, encode_composite
from homeport.protocols.amqp.conditions import MalformedFrame
from homeport.protocols.amqp.decoding import Values
from homeport.protocols.amqp.performatives import Performative, SaslPerformative

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
MIN_MAX_FRAME_SIZE = 512

_HEADER_SIZE = 8
_WORD = 4


class FrameType(enum.IntEnum):
    """The layer that a frame belongs to (2.3.1)."""

    AMQP = 0
    SASL = 1


AnyPerformative = Performative | SaslPerformative

# To ask of a union of so many types whether a value is of one takes longer than to build the value.
_LAYERS = {FrameType.AMQP: frozenset(get_args(Performative)), FrameType.SASL: frozenset(get_args(SaslPerformative))}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame. Without a performative it only says that the peer is alive (2.4.5)."""

    channel: int = 0
    performative: AnyPerformative | None = None
    payload: bytes = b""


HEARTBEAT = b"\x00\x00\x00\x08\x02\x00\x00\x00"


def encode_frame(performative: AnyPerformative, payload: bytes = b"", *, channel: int = 0) -> bytes:
    """A frame of the layer that the performative belongs to."""
    frame_type = FrameType.SASL if type(performative) in _LAYERS[FrameType.SASL] else FrameType.AMQP
    body = encode_composite(performative) + payload
    return (_HEADER_SIZE + len(body)).to_bytes(4) + bytes((2, frame_type)) + channel.to_bytes(2) + body


class FrameReader:
    """Feed it bytes, then take headers or frames until there is none."""

    __slots__ = ("_buffer", "max_size")

    def __init__(self, max_size: int) -> None:
        self._buffer = bytearray()
        self.max_size = max_size
        """The largest frame that is accepted, its header included."""

    @property
    def buffered(self) -> int:
        """How many bytes wait to be taken."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what has arrived."""
        self._buffer += data

    def next_header(self) -> bytes | None:
        """The next eight bytes, or None while they are incomplete. Whoever does not begin with AMQP need not finish."""
        if len(self._buffer) < _HEADER_SIZE and AMQP_HEADER.startswith(bytes(self._buffer[:_WORD])):
            return None
        header = bytes(self._buffer[:_HEADER_SIZE])
        del self._buffer[:_HEADER_SIZE]
        return header

    def next_frame(self, frame_type: FrameType) -> Frame | None:
        """The next frame, or None while it is incomplete.

        Raises:
            Violation: the peer broke the standard, or the limit. The reader is of no use afterwards.
        """
        buffer = self._buffer
        if len(buffer) < _HEADER_SIZE:
            return None
        size = int.from_bytes(buffer[:4])
        start = buffer[4] * _WORD
        self._check(size, start, frame_type)
        if len(buffer) < size:
            return None
        channel, body = int.from_bytes(buffer[6:8]), bytes(buffer[start:size])
        del buffer[:size]
        return _frame(frame_type, channel, body)

    def _check(self, size: int, start: int, frame_type: FrameType) -> None:
        if size > self.max_size:
            raise MalformedFrame(f"a frame of {size} bytes where {self.max_size} are the limit")
        if not _HEADER_SIZE <= start <= size:
            raise MalformedFrame("a frame whose header and size do not fit together")
        if self._buffer[5] != frame_type:
            raise MalformedFrame(f"a frame of type {self._buffer[5]} where {frame_type:d} is spoken")


def _frame(frame_type: FrameType, channel: int, body: bytes) -> Frame:
    if not body and frame_type is FrameType.AMQP:
        return Frame(channel=channel)
    values = Values(body)
    performative = composed(values.next())
    if type(performative) not in _LAYERS[frame_type]:
        raise MalformedFrame("a frame without a performative of its layer")
    return Frame(channel=channel, performative=cast("AnyPerformative", performative), payload=values.rest())
