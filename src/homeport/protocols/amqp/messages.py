"""A message's bytes (3.2), as far as devices and this service use them: properties and a body.

What bodies devices send differs: data sections, a text as a value, or none. They all come out as bytes; another
body is None, and whether that matters is for whoever asked to say.
"""

import msgspec

from homeport.protocols.amqp.composites import composed, encode_composite
from homeport.protocols.amqp.conditions import Malformed
from homeport.protocols.amqp.decoding import Values
from homeport.protocols.amqp.encoding import encode
from homeport.protocols.amqp.performatives import Header, Properties
from homeport.protocols.amqp.types import Described, Map, Symbol, Ulong

_APPLICATION_PROPERTIES, _DATA, _SEQUENCE, _VALUE = Ulong(0x74), Ulong(0x75), Ulong(0x76), Ulong(0x77)
_IGNORED = {Ulong(0x71): "delivery-annotations", Ulong(0x72): "message-annotations", Ulong(0x78): "footer"}
_NAMES: dict[object, Ulong] = {
    Symbol("amqp:application-properties:map"): _APPLICATION_PROPERTIES,
    Symbol("amqp:data:binary"): _DATA,
    Symbol("amqp:amqp-sequence:list"): _SEQUENCE,
    Symbol("amqp:amqp-value:*"): _VALUE,
    **{Symbol(f"amqp:{name}:map"): code for code, name in _IGNORED.items()},
}
_SECTIONS = {*_NAMES.values()}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message. `body` is None if it is neither bytes nor text."""

    properties: Properties = Properties()
    application_properties: Map = Map()
    body: bytes | None = b""


def encode_message(message: Message) -> bytes:
    """The message with its body as one data section, the only one that the C client reads.

    Application properties are written even if there are none: C looks into them without asking.
    """
    properties = b"" if message.properties == Properties() else encode_composite(message.properties)
    application_properties = encode(Described(_APPLICATION_PROPERTIES, message.application_properties))
    return properties + application_properties + encode(Described(_DATA, message.body or b""))


def decode_message(data: bytes) -> Message:
    """The message that the payload of a delivery is.

    Raises:
        Malformed: it is none. The order of sections is not judged.
    """
    properties, pairs, body = Properties(), Map(), list[object]()
    values = Values(data)
    while values.more():
        section = composed(values.next())
        if isinstance(section, Properties):
            properties = section
        elif not isinstance(section, Header):
            code, value = _section(section)
            if code == _APPLICATION_PROPERTIES:
                pairs = _map(value)
            elif code not in _IGNORED:
                body.append(_content(code, value))
    return Message(properties=properties, application_properties=pairs, body=_joined(body))


def _section(section: object) -> tuple[Ulong, object]:
    """The code and the content of a section that is no list."""
    if isinstance(section, Described) and isinstance(section.descriptor, Ulong | Symbol):
        code = _NAMES.get(section.descriptor, section.descriptor)
        if code in _SECTIONS and isinstance(code, Ulong):
            return code, section.value
    raise Malformed("a section of a message that is none")


def _map(value: object) -> Map:
    if not isinstance(value, Map):
        raise Malformed("application properties that are not a map")
    return value


def _content(code: Ulong, value: object) -> bytes | None:
    if code == _DATA and not isinstance(value, bytes):
        raise Malformed("a data section that is not binary")
    if code == _SEQUENCE and not isinstance(value, list):
        raise Malformed("a sequence section that is not a list")
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else b"" if value is None else None


def _joined(body: list[object]) -> bytes | None:
    pieces = [piece for piece in body if isinstance(piece, bytes)]
    return b"".join(pieces) if len(pieces) == len(body) else None
