"""MQTT 3.1.1 packets as bytes, and back: just what a device says and hears, with nothing of the server's codec.

Source: OASIS MQTT 3.1.1, sections 2 and 3.
"""

from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9


@dataclass(frozen=True)
class Packet:
    """A packet: its type, the four flags beside it, and what follows the length."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True)
class Published:
    """What a PUBLISH brings (3.3)."""

    topic: str
    qos: int
    packet_id: int
    payload: bytes


def connect(client_id: str, user_name: str, password: str | None, *, clean_session: bool, keep_alive: int) -> bytes:
    """CONNECT (3.1), without a will."""
    flags = 0x80 | (0x40 if password is not None else 0) | (0x02 if clean_session else 0)
    body = _text("MQTT") + bytes((4, flags)) + keep_alive.to_bytes(2) + _text(client_id) + _text(user_name)
    return _packet(0x10, body + (_text(password) if password is not None else b""))


def subscribe(packet_id: int, topic_filter: str) -> bytes:
    """SUBSCRIBE (3.8) with QoS 1."""
    return _packet(0x82, packet_id.to_bytes(2) + _text(topic_filter) + b"\x01")


def publish(topic: str, body: str, *, qos: int, packet_id: int) -> bytes:
    """PUBLISH (3.3); one of QoS 0 has no packet ID."""
    number = packet_id.to_bytes(2) if qos else b""
    return _packet(0x30 | qos << 1, _text(topic) + number + body.encode())


def puback(packet_id: int) -> bytes:
    """PUBACK (3.4)."""
    return _packet(0x40, packet_id.to_bytes(2))


def next_packet(data: bytearray) -> Packet | None:
    """Take a packet off the data, if one is complete."""
    width = next((place for place, byte in enumerate(data[1:5], start=1) if not byte & 0x80), None)
    if width is None:
        return None
    start = 1 + width
    end = start + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data[1:start]))
    if len(data) < end:
        return None
    packet = Packet(data[0] >> 4, data[0] & 0x0F, bytes(data[start:end]))
    del data[:end]
    return packet


def read_publish(packet: Packet) -> Published:
    """The parts of a PUBLISH; its packet ID is 0 with QoS 0."""
    size, qos = int.from_bytes(packet.body[:2]), packet.flags >> 1 & 0x03
    topic, rest = packet.body[2 : 2 + size].decode(), packet.body[2 + size :]
    return Published(topic, qos, int.from_bytes(rest[:2]) if qos else 0, rest[2:] if qos else rest)


def _packet(first: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, low = rest >> 7, rest & 0x7F
        length += bytes((low | (0x80 if rest else 0),))
        if not rest:
            return bytes((first,)) + length + body


def _text(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(2) + data
