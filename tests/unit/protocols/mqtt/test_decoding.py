"""Bytes to packets, and each way in which they can be wrong."""

import pytest
from tests.unit.protocols.mqtt.vectors import VECTORS

from homeport.protocols.mqtt.decoding import decode
from homeport.protocols.mqtt.packets import MalformedPacket, Packet, UnsupportedProtocolLevel


def body_of(data: bytes) -> bytes:
    """What follows the fixed header."""
    end = next(index for index in range(1, 5) if data[index] < 0x80)
    return data[end + 1 :]


@pytest.mark.parametrize(("packet", "data"), [vector[1:] for vector in VECTORS], ids=[name for name, *_ in VECTORS])
def test_bytes_of_the_standard(packet: Packet, data: bytes) -> None:
    assert decode(data[0], body_of(data)) == packet


CONNECT = b"\x00\x04MQTT\x04"
BROKEN = [
    ("a type of nobody", 0x00, b"", "type 0"),
    ("another type of nobody", 0xF0, b"", "type 15"),
    ("QoS 2's second packet", 0x50, b"\x00\x01", "type 5"),
    ("QoS 2's third packet", 0x62, b"\x00\x01", "type 6"),
    ("reserved flags of CONNECT", 0x11, CONNECT, "reserved flags"),
    ("reserved flags of SUBSCRIBE", 0x80, b"\x00\x01\x00\x01a\x00", "reserved flags"),
    ("reserved flags of UNSUBSCRIBE", 0xA0, b"\x00\x01\x00\x01a", "reserved flags"),
    ("reserved flags of PINGREQ", 0xC1, b"", "reserved flags"),
    ("CONNECT of nothing", 0x10, b"", "ends beyond"),
    ("CONNECT of another protocol", 0x10, b"\x00\x04HTTP\x04", "name is not MQTT"),
    ("CONNECT without its client ID", 0x10, CONNECT + b"\x02\x00\x00", "ends beyond"),
    ("CONNECT with its reserved flag", 0x10, CONNECT + b"\x03\x00\x00\x00\x00", "reserved flag"),
    ("will QoS without will", 0x10, CONNECT + b"\x08\x00\x00\x00\x00", "without a will"),
    ("will retain without will", 0x10, CONNECT + b"\x20\x00\x00\x00\x00", "without a will"),
    ("will of QoS 3", 0x10, CONNECT + b"\x1c\x00\x00\x00\x00", "QoS 3"),
    ("password without user name", 0x10, CONNECT + b"\x40\x00\x00\x00\x00", "without a user name"),
    ("CONNECT with bytes behind it", 0x10, CONNECT + b"\x02\x00\x00\x00\x00x", "remain"),
    ("CONNACK with a reserved flag", 0x20, b"\x02\x00", "reserved flag"),
    ("CONNACK of an unknown code", 0x20, b"\x00\x06", "return code 6"),
    ("PUBLISH of QoS 3", 0x36, b"\x00\x01t\x00\x01", "QoS 3"),
    ("a duplicate of QoS 0", 0x38, b"\x00\x01t", "duplicate"),
    ("PUBLISH without a topic", 0x30, b"\x00\x00", "topic is empty"),
    ("PUBLISH to a wildcard", 0x30, b"\x00\x03a/#", "wildcard"),
    ("PUBLISH to another wildcard", 0x30, b"\x00\x03a/+", "wildcard"),
    ("PUBLISH with a topic beyond its end", 0x30, b"\x00\x09abc", "ends beyond"),
    ("PUBLISH without packet identifier", 0x32, b"\x00\x01t", "ends beyond"),
    ("PUBLISH with packet identifier zero", 0x32, b"\x00\x01t\x00\x00", "identifier is zero"),
    ("a topic that is not UTF-8", 0x30, b"\x00\x02\xff\xfe", "not UTF-8"),
    ("a topic with a surrogate", 0x30, b"\x00\x03\xed\xa0\x80", "not UTF-8"),
    ("a topic with a null character", 0x30, b"\x00\x03a\x00b", "null character"),
    ("PUBACK of half an identifier", 0x40, b"\x01", "ends beyond"),
    ("PUBACK with packet identifier zero", 0x40, b"\x00\x00", "identifier is zero"),
    ("PUBACK with bytes behind it", 0x40, b"\x00\x01\x00", "remain"),
    ("SUBSCRIBE without a filter", 0x82, b"\x00\x01", "without a topic filter"),
    ("SUBSCRIBE with an empty filter", 0x82, b"\x00\x01\x00\x00\x00", "topic is empty"),
    ("SUBSCRIBE of QoS 3", 0x82, b"\x00\x01\x00\x01a\x03", "asks for QoS"),
    ("SUBSCRIBE with reserved QoS bits", 0x82, b"\x00\x01\x00\x01a\x81", "asks for QoS"),
    ("SUBSCRIBE without QoS", 0x82, b"\x00\x01\x00\x01a", "ends beyond"),
    ("SUBACK without codes", 0x90, b"\x00\x01", "known return code"),
    ("SUBACK of an unknown code", 0x90, b"\x00\x01\x03", "known return code"),
    ("UNSUBSCRIBE without a filter", 0xA2, b"\x00\x01", "without a topic filter"),
    ("PINGREQ with a body", 0xC0, b"x", "remain"),
    ("DISCONNECT with a body", 0xE0, b"\x00", "remain"),
]


@pytest.mark.parametrize(("first", "body", "reason"), [case[1:] for case in BROKEN], ids=[name for name, *_ in BROKEN])
def test_broken_packet(first: int, body: bytes, reason: str) -> None:
    with pytest.raises(MalformedPacket, match=reason):
        decode(first, body)


@pytest.mark.parametrize(
    ("body", "level"),
    [(b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03dev", 5), (b"\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x03dev", 3)],
    ids=["MQTT 5", "MQTT 3.1"],
)
def test_other_versions_are_told_apart_from_nonsense(body: bytes, level: int) -> None:
    with pytest.raises(UnsupportedProtocolLevel, match=f"level {level}"):
        decode(0x10, body)
