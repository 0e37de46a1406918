"""The MQTT codec, whatever the packet and whatever the bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.mqtt import PACKETS, STREAMS, split

from homeport.protocols.mqtt.decoding import decode
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import MalformedPacket, Packet
from homeport.protocols.mqtt.reader import PacketReader

LIMIT = 4096


def read(pieces: list[bytes]) -> tuple[list[Packet], str]:
    """The packets in a stream, and how it ended: in the reason of an error, or not at all."""
    reader, packets = PacketReader(LIMIT), list[Packet]()
    try:
        for piece in pieces:
            reader.feed(piece)
            while (packet := reader.next_packet()) is not None:
                packets.append(packet)
    except MalformedPacket as error:
        return packets, str(error)
    return packets, ""


@settings(max_examples=200, deadline=None)
@given(PACKETS)
def test_every_packet_comes_back(packet: Packet) -> None:
    assert read([encode(packet)]) == ([packet], "")


@settings(max_examples=200, deadline=None)
@given(st.lists(PACKETS, max_size=5), st.data())
def test_every_split_gives_the_same_packets(packets: list[Packet], data: st.DataObject) -> None:
    pieces = data.draw(split(b"".join(map(encode, packets))))
    assert read(pieces) == (packets, "")


@settings(max_examples=100, deadline=None)
@given(PACKETS)
def test_a_packet_byte_by_byte(packet: Packet) -> None:
    assert read([bytes((byte,)) for byte in encode(packet)]) == ([packet], "")


@settings(max_examples=200, deadline=None)
@given(STREAMS, st.data())
def test_nonsense_ends_alike_however_it_is_split(stream: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(stream)
    assert read([whole]) == read(data.draw(split(whole)))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 255), st.binary(max_size=80))
def test_any_body_is_a_packet_or_malformed(first: int, body: bytes) -> None:
    try:
        packet = decode(first, body)
    except MalformedPacket:
        return
    assert decode(first, encode(packet)[2:]) == packet


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_a_reader_keeps_no_more_than_one_packet(stream: list[bytes]) -> None:
    reader = PacketReader(LIMIT)
    for piece in stream:
        reader.feed(piece)
        try:
            while reader.next_packet() is not None:
                pass
        except MalformedPacket:
            return
        assert reader.buffered <= LIMIT + 5
