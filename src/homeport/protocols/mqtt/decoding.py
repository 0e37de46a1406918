"""One packet's bytes to its value (MQTT 3.1.1), and every way in which they can be wrong.

Counterpart: `encoding.py`; `reader.py` finds the packet in the stream. Knows neither which packet may come when
nor which side is speaking: that is the session's. Whatever the bytes, the outcome is a packet or `MalformedPacket`.
"""

from collections.abc import Callable

from homeport.protocols.mqtt.packets import (
    SUBSCRIPTION_REFUSED,
    Connack,
    Connect,
    Disconnect,
    MalformedPacket,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    UnsupportedProtocolLevel,
    Will,
)

_MQTT_3_1_1 = ("MQTT", 4)
# The second is that of MQTT 3.1.
_PROTOCOL_NAMES = ("MQTT", "MQIsdp")


def decode(first: int, body: bytes) -> Packet:
    """The packet of a fixed header's first byte and the body that its remaining length spans.

    Raises:
        MalformedPacket: the standard is broken, or the packet is one of QoS 2 or of no known type.
    """
    kind, flags = first >> 4, first & 0x0F
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise MalformedPacket(f"packet type {kind} is not part of this exchange")
    if kind != PacketType.PUBLISH and flags != _FLAGS.get(kind, 0):
        raise MalformedPacket(f"reserved flags {flags:#06b} in packet type {kind}")
    return decoder(flags, body)


class _Fields:
    """The fields of a body, taken from its front."""

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0

    def take(self, size: int) -> bytes:
        start = self._position
        end = start + size
        if end > len(self._body):
            raise MalformedPacket("a field ends beyond its packet")
        self._position = end
        return self._body[start:end]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self.take(2))

    def packet_id(self) -> int:
        """2.3.1: never zero."""
        number = self.number()
        if not number:
            raise MalformedPacket("the packet identifier is zero")
        return number

    def binary(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        """1.5.3: UTF-8 without surrogates and without the null character."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError:
            raise MalformedPacket("a string is not UTF-8") from None
        if "\0" in text:
            raise MalformedPacket("a string holds a null character")
        return text

    def topic(self) -> str:
        """4.7.3: at least one character. Wildcards are the caller's to judge."""
        text = self.text()
        if not text:
            raise MalformedPacket("a topic is empty")
        return text

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._position)

    def more(self) -> bool:
        return self._position < len(self._body)

    def end(self) -> None:
        if self.more():
            raise MalformedPacket("bytes remain behind the packet's last field")


def _connect(_: int, body: bytes) -> Connect:
    fields = _Fields(body)
    _check_protocol(fields)
    flags = fields.byte()
    _check_connect_flags(flags)
    keep_alive = fields.number()
    packet = Connect(
        client_id=fields.text(),
        clean_session=bool(flags & 0x02),
        keep_alive=keep_alive,
        will=_will(flags, fields) if flags & 0x04 else None,
        user_name=fields.text() if flags & 0x80 else None,
        password=fields.binary() if flags & 0x40 else None,
    )
    fields.end()
    return packet


def _check_protocol(fields: _Fields) -> None:
    """3.1.2.1 and 3.1.2.2. What follows another level's number has another form, and is not read."""
    name = fields.text()
    if name not in _PROTOCOL_NAMES:
        raise MalformedPacket("the protocol's name is not MQTT")
    level = fields.byte()
    if (name, level) != _MQTT_3_1_1:
        raise UnsupportedProtocolLevel(f"MQTT protocol level {level}")


def _check_connect_flags(flags: int) -> None:
    """3.1.2.3 to 3.1.2.9."""
    if flags & 0x01:
        raise MalformedPacket("the reserved flag of CONNECT is set")
    if not flags & 0x04 and flags & 0x38:
        raise MalformedPacket("will QoS or will retain without a will")
    if flags & 0x18 == 0x18:
        raise MalformedPacket("a will of QoS 3")
    if flags & 0xC0 == 0x40:
        raise MalformedPacket("a password without a user name")


def _will(flags: int, fields: _Fields) -> Will:
    return Will(topic=fields.topic(), payload=fields.binary(), qos=flags >> 3 & 3, retain=bool(flags & 0x20))


def _connack(_: int, body: bytes) -> Connack:
    fields = _Fields(body)
    acknowledge_flags, code = fields.byte(), fields.byte()
    fields.end()
    if acknowledge_flags > 1:
        raise MalformedPacket("a reserved flag of CONNACK is set")
    try:
        return Connack(ReturnCode(code), bool(acknowledge_flags))
    except ValueError:
        raise MalformedPacket(f"CONNACK return code {code}") from None


def _publish(flags: int, body: bytes) -> Publish:
    qos = flags >> 1 & 3
    if qos == 3:
        raise MalformedPacket("a PUBLISH of QoS 3")
    if not qos and flags & 0x08:
        raise MalformedPacket("a PUBLISH of QoS 0 that calls itself a duplicate")
    fields = _Fields(body)
    topic = fields.topic()
    if "#" in topic or "+" in topic:
        raise MalformedPacket("a PUBLISH to a wildcard")
    return Publish(
        topic=topic,
        packet_id=fields.packet_id() if qos else 0,
        payload=fields.rest(),
        qos=qos,
        duplicate=bool(flags & 0x08),
        retain=bool(flags & 0x01),
    )


def _subscribe(_: int, body: bytes) -> Subscribe:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    filters = []
    while fields.more():
        filters.append((fields.topic(), _requested_qos(fields)))
    if not filters:
        raise MalformedPacket("a SUBSCRIBE without a topic filter")
    return Subscribe(packet_id, tuple(filters))


def _requested_qos(fields: _Fields) -> int:
    qos = fields.byte()
    if qos > 2:
        raise MalformedPacket(f"a SUBSCRIBE that asks for QoS {qos:#04x}")
    return qos


def _suback(_: int, body: bytes) -> Suback:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    granted = tuple(fields.rest())
    if not granted or any(code > 2 and code != SUBSCRIPTION_REFUSED for code in granted):
        raise MalformedPacket("a SUBACK without a known return code")
    return Suback(packet_id, granted)


def _unsubscribe(_: int, body: bytes) -> Unsubscribe:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    filters = []
    while fields.more():
        filters.append(fields.topic())
    if not filters:
        raise MalformedPacket("an UNSUBSCRIBE without a topic filter")
    return Unsubscribe(packet_id, tuple(filters))


def _puback(_: int, body: bytes) -> Puback:
    return Puback(_only_packet_id(body))


def _unsuback(_: int, body: bytes) -> Unsuback:
    return Unsuback(_only_packet_id(body))


def _only_packet_id(body: bytes) -> int:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    fields.end()
    return packet_id


def _empty(packet: Packet) -> Callable[[int, bytes], Packet]:
    def decode_empty(_: int, body: bytes) -> Packet:
        _Fields(body).end()
        return packet

    return decode_empty


_DECODERS: dict[int, Callable[[int, bytes], Packet]] = {
    PacketType.CONNECT: _connect,
    PacketType.CONNACK: _connack,
    PacketType.PUBLISH: _publish,
    PacketType.PUBACK: _puback,
    PacketType.SUBSCRIBE: _subscribe,
    PacketType.SUBACK: _suback,
    PacketType.UNSUBSCRIBE: _unsubscribe,
    PacketType.UNSUBACK: _unsuback,
    PacketType.PINGREQ: _empty(Pingreq()),
    PacketType.PINGRESP: _empty(Pingresp()),
    PacketType.DISCONNECT: _empty(Disconnect()),
}
_FLAGS: dict[int, int] = {PacketType.SUBSCRIBE: 0b0010, PacketType.UNSUBSCRIBE: 0b0010}
