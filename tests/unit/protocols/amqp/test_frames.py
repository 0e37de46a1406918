"""Headers and frames in a stream."""

import pytest
from tests.unit.protocols.amqp import wire

from homeport.protocols.amqp.conditions import Malformed, MalformedFrame
from homeport.protocols.amqp.frames import (
    AMQP_HEADER,
    HEARTBEAT,
    SASL_HEADER,
    Frame,
    FrameReader,
    FrameType,
    encode_frame,
)
from homeport.protocols.amqp.performatives import Close, SaslInit, SaslOutcome, Transfer
from homeport.protocols.amqp.types import Symbol, Ubyte, Uint

TRANSFER = Transfer(handle=Uint(0), delivery_id=Uint(1))


def reading(data: bytes, *, max_size: int = 1000) -> FrameReader:
    reader = FrameReader(max_size)
    reader.feed(data)
    return reader


def test_headers_are_the_standards() -> None:
    assert (AMQP_HEADER, SASL_HEADER) == (wire.AMQP, wire.SASL)


def test_a_header_waits_until_it_is_complete() -> None:
    reader = reading(wire.SASL[:7])
    assert reader.next_header() is None
    reader.feed(wire.SASL[7:] + wire.AMQP)
    assert [reader.next_header(), reader.next_header(), reader.next_header()] == [wire.SASL, wire.AMQP, None]


def test_whoever_does_not_begin_with_amqp_need_not_finish() -> None:
    assert reading(b"GET").next_header() == b"GET"


def test_frames_are_written_after_the_standard() -> None:
    assert encode_frame(Close()).hex() == "0000000c02000000" + "00531845"
    assert encode_frame(Close(), channel=258).hex() == "0000000c02000102" + "00531845"
    assert encode_frame(SaslOutcome(Ubyte(1))) == wire.sasl_outcome(1)
    assert encode_frame(TRANSFER, b"xyz").endswith(b"xyz")


def test_what_is_written_is_read() -> None:
    reader = reading(encode_frame(TRANSFER, b"xyz", channel=3) + HEARTBEAT)
    assert reader.next_frame(FrameType.AMQP) == Frame(channel=3, performative=TRANSFER, payload=b"xyz")
    assert reader.next_frame(FrameType.AMQP) == Frame()
    assert (reader.next_frame(FrameType.AMQP), reader.buffered) == (None, 0)


def test_a_frame_waits_until_it_is_complete() -> None:
    *pieces, last = encode_frame(TRANSFER, b"xyz")
    reader = FrameReader(1000)
    for piece in pieces:
        reader.feed(bytes((piece,)))
        assert reader.next_frame(FrameType.AMQP) is None
    reader.feed(bytes((last,)))
    assert reader.next_frame(FrameType.AMQP) == Frame(performative=TRANSFER, payload=b"xyz")


def test_a_frame_of_sasl() -> None:
    frame = reading(wire.sasl_init("PLAIN", b"\0u\0p")).next_frame(FrameType.SASL)
    assert frame == Frame(performative=SaslInit(Symbol("PLAIN"), b"\0u\0p"))


def test_an_extended_header_is_passed_over() -> None:
    data = bytes.fromhex("00000010" + "03000000" + "ffffffff" + "00531845")
    assert reading(data).next_frame(FrameType.AMQP) == Frame(performative=Close())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("000003e9" + "02000000", "1001 bytes where 1000"),
        ("ffffffff" + "02000000", "where 1000"),
        ("00000007" + "02000000", "do not fit together"),
        ("00000008" + "01000000", "do not fit together"),
        ("00000008" + "ff000000", "do not fit together"),
        ("00000008" + "02010000", "a frame of type 1 where 0"),
        ("00000009" + "02000000" + "40", "without a performative of its layer"),
        ("0000000c" + "02000000" + "00532445", "without a performative of its layer"),
    ],
)
def test_malformed_frames(data: str, reason: str) -> None:
    with pytest.raises(MalformedFrame, match=reason):
        reading(bytes.fromhex(data)).next_frame(FrameType.AMQP)


def test_an_empty_frame_is_none_of_sasl() -> None:
    with pytest.raises(Malformed):
        reading(bytes.fromhex("0000000802010000")).next_frame(FrameType.SASL)


def test_layers_do_not_borrow_performatives() -> None:
    with pytest.raises(MalformedFrame, match="of its layer"):
        reading(bytes.fromhex("0000000c02010000" + "00531845")).next_frame(FrameType.SASL)
