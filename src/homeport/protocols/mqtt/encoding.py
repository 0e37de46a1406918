"""Packets to bytes (MQTT 3.1.1). Counterpart: `decoding.py`.

What is encoded is ours, or the tests'; so nothing is judged here beyond what the format itself cannot hold.
"""

from collections.abc import Callable
from typing import Any

from homeport.protocols.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)

_PROTOCOL = b"\x00\x04MQTT\x04"
# SUBSCRIBE and UNSUBSCRIBE carry these flags for no reason but history (3.8.1, 3.10.1).
_RESERVED_FLAGS = 0b0010
_MAX_REMAINING_LENGTH = 268_435_455


def encode(packet: Packet) -> bytes:
    """The packet's bytes.

    Raises:
        ValueError: a text is longer than 65,535 bytes, or the packet than 256 MiB.
    """
    return _ENCODERS[type(packet)](packet)


def _connect(packet: Connect) -> bytes:
    flags = packet.clean_session << 1
    payload = _text(packet.client_id)
    if packet.will is not None:
        flags |= 0x04 | packet.will.qos << 3 | packet.will.retain << 5
        payload += _text(packet.will.topic) + _binary(packet.will.payload)
    if packet.user_name is not None:
        flags |= 0x80
        payload += _text(packet.user_name)
    if packet.password is not None:
        flags |= 0x40
        payload += _binary(packet.password)
    header = _PROTOCOL + bytes((flags,)) + packet.keep_alive.to_bytes(2)
    return _framed(PacketType.CONNECT << 4, header + payload)


def _connack(packet: Connack) -> bytes:
    return bytes((PacketType.CONNACK << 4, 2, packet.session_present, packet.return_code))


def _publish(packet: Publish) -> bytes:
    first = PacketType.PUBLISH << 4 | packet.duplicate << 3 | packet.qos << 1 | packet.retain
    packet_id = packet.packet_id.to_bytes(2) if packet.qos else b""
    return _framed(first, _text(packet.topic) + packet_id + packet.payload)


def _subscribe(packet: Subscribe) -> bytes:
    filters = b"".join(_text(topic_filter) + bytes((qos,)) for topic_filter, qos in packet.filters)
    return _framed(PacketType.SUBSCRIBE << 4 | _RESERVED_FLAGS, packet.packet_id.to_bytes(2) + filters)


def _suback(packet: Suback) -> bytes:
    return _framed(PacketType.SUBACK << 4, packet.packet_id.to_bytes(2) + bytes(packet.granted))


def _unsubscribe(packet: Unsubscribe) -> bytes:
    filters = b"".join(map(_text, packet.filters))
    return _framed(PacketType.UNSUBSCRIBE << 4 | _RESERVED_FLAGS, packet.packet_id.to_bytes(2) + filters)


def _puback(packet: Puback) -> bytes:
    return bytes((PacketType.PUBACK << 4, 2)) + packet.packet_id.to_bytes(2)


def _unsuback(packet: Unsuback) -> bytes:
    return bytes((PacketType.UNSUBACK << 4, 2)) + packet.packet_id.to_bytes(2)


def _empty(packet_type: PacketType) -> Callable[[Packet], bytes]:
    encoded = bytes((packet_type << 4, 0))
    return lambda _: encoded


# Each function takes exactly the type under which it stands, which a dictionary's type cannot say.
_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    Connect: _connect,
    Connack: _connack,
    Publish: _publish,
    Puback: _puback,
    Subscribe: _subscribe,
    Suback: _suback,
    Unsubscribe: _unsubscribe,
    Unsuback: _unsuback,
    Pingreq: _empty(PacketType.PINGREQ),
    Pingresp: _empty(PacketType.PINGRESP),
    Disconnect: _empty(PacketType.DISCONNECT),
}


def _text(text: str) -> bytes:
    """A UTF-8 encoded string (1.5.3)."""
    return _binary(text.encode())


def _binary(data: bytes) -> bytes:
    if len(data) > 0xFFFF:
        raise ValueError(f"a field of {len(data)} bytes does not fit into 65,535")
    return len(data).to_bytes(2) + data


def _framed(first: int, body: bytes) -> bytes:
    """The fixed header before a body (2.2)."""
    length = len(body)
    if length < 128:
        return bytes((first, length)) + body
    if length > _MAX_REMAINING_LENGTH:
        raise ValueError(f"a packet of {length} bytes does not fit into 256 MiB")
    header = bytearray((first,))
    while length > 127:
        header.append(length & 0x7F | 0x80)
        length >>= 7
    header.append(length)
    return bytes(header) + body
