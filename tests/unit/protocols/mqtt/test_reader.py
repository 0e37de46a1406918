"""Packets in a stream."""

import pytest

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import MalformedPacket, Packet, Pingreq, Puback, Publish
from homeport.protocols.mqtt.reader import PacketReader

LONG = Publish(topic="a/b", payload=b"x" * 300, qos=1, packet_id=7)


def packets(reader: PacketReader) -> list[Packet]:
    return list(iter(reader.next_packet, None))


def test_several_packets_in_one_piece() -> None:
    reader = PacketReader(1000)
    reader.feed(encode(Pingreq()) + encode(LONG) + encode(Puback(9)))
    assert packets(reader) == [Pingreq(), LONG, Puback(9)]
    assert reader.buffered == 0


def test_one_packet_byte_by_byte() -> None:
    reader = PacketReader(1000)
    *pieces, last = encode(LONG)
    for piece in pieces:
        reader.feed(bytes((piece,)))
        assert reader.next_packet() is None
    reader.feed(bytes((last,)))
    assert packets(reader) == [LONG]


def test_what_is_incomplete_waits() -> None:
    reader = PacketReader(1000)
    reader.feed(encode(Pingreq()) + b"\x40\x02\x00")
    assert packets(reader) == [Pingreq()]
    assert reader.buffered == 3


def test_the_limit_is_judged_by_the_length_alone() -> None:
    reader = PacketReader(127)
    reader.feed(b"\x30\x80\x01")
    with pytest.raises(MalformedPacket, match="128 bytes where 127"):
        reader.next_packet()


def test_the_limit_can_be_widened() -> None:
    reader = PacketReader(127)
    reader.max_size = 1000
    reader.feed(encode(LONG))
    assert packets(reader) == [LONG]


def test_a_length_of_five_bytes_is_refused() -> None:
    reader = PacketReader(1 << 30)
    reader.feed(b"\x30\xff\xff\xff\xff")
    with pytest.raises(MalformedPacket, match="more than four bytes"):
        reader.next_packet()


def test_the_longest_length_is_read() -> None:
    reader = PacketReader(268_435_455)
    reader.feed(b"\x30\xff\xff\xff\x7f")
    assert reader.next_packet() is None
