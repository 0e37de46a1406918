"""The control packets of MQTT 3.1.1 that devices and their server exchange, as values.

Both directions are here, so that the tests' devices speak through the same code as the server. Counterparts:
`decoding.py` and `encoding.py` (values and bytes), `reader.py` (packets in a stream). Absent are the three
packets of QoS 2, which this server never grants. Sections are those of the OASIS standard MQTT 3.1.1.
"""

import enum

import msgspec


class MalformedPacket(Exception):
    """The peer broke the standard; its text is the reason for the log, and the connection must end."""


class UnsupportedProtocolLevel(MalformedPacket):
    """A CONNECT of another version of MQTT, which is answered before the connection ends (3.1.2.2)."""


class PacketType(enum.IntEnum):
    """The upper half of a packet's first byte (2.2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class ReturnCode(enum.IntEnum):
    """CONNACK's answer (3.2.2.3)."""

    ACCEPTED = 0
    UNACCEPTABLE_PROTOCOL_VERSION = 1
    IDENTIFIER_REJECTED = 2
    SERVER_UNAVAILABLE = 3
    BAD_USER_NAME_OR_PASSWORD = 4
    NOT_AUTHORIZED = 5


SUBSCRIPTION_REFUSED = 0x80
"""SUBACK's answer for a filter that is not granted (3.9.3)."""


class Will(msgspec.Struct, frozen=True, kw_only=True):
    """A message for the server to publish when the client vanishes (3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """3.1. `keep_alive` is in seconds, 0 for none."""

    client_id: str
    clean_session: bool = True
    keep_alive: int = 0
    user_name: str | None = None
    password: bytes | None = None
    will: Will | None = None

    def __repr__(self) -> str:
        return "Connect(…)"


class Connack(msgspec.Struct, frozen=True):
    """3.2."""

    return_code: ReturnCode
    session_present: bool = False


class Publish(msgspec.Struct, frozen=True, kw_only=True):
    """3.3. `packet_id` is 0 with QoS 0, which has none. QoS 2 is read, so that the session can refuse it."""

    topic: str
    payload: bytes = b""
    qos: int = 0
    packet_id: int = 0
    duplicate: bool = False
    retain: bool = False


class Puback(msgspec.Struct, frozen=True):
    """3.4."""

    packet_id: int


class Subscribe(msgspec.Struct, frozen=True):
    """3.8. Topic filters, each with the QoS asked for."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


class Suback(msgspec.Struct, frozen=True):
    """3.9. For each filter the QoS granted, or `SUBSCRIPTION_REFUSED`."""

    packet_id: int
    granted: tuple[int, ...]


class Unsubscribe(msgspec.Struct, frozen=True):
    """3.10."""

    packet_id: int
    filters: tuple[str, ...]


class Unsuback(msgspec.Struct, frozen=True):
    """3.11."""

    packet_id: int


class Pingreq(msgspec.Struct, frozen=True):
    """3.12."""


class Pingresp(msgspec.Struct, frozen=True):
    """3.13."""


class Disconnect(msgspec.Struct, frozen=True):
    """3.14."""


Packet = (
    Connect | Connack | Publish | Puback | Subscribe | Suback | Unsubscribe | Unsuback | Pingreq | Pingresp | Disconnect
)
