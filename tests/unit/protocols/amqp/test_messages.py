"""Messages as devices write them, and as we do."""

import pytest
from tests.unit.protocols.amqp import wire

from homeport.protocols.amqp.conditions import Malformed
from homeport.protocols.amqp.messages import Message, decode_message, encode_message
from homeport.protocols.amqp.performatives import Properties
from homeport.protocols.amqp.types import Int, Map, Ulong, Uuid

HEADER = wire.described(0x70, wire.listed(wire.TRUE))
ANNOTATIONS = wire.described(0x72, wire.mapped(wire.symbol("x-opt"), wire.TRUE))
FOOTER = wire.described(0x78, wire.mapped())


def test_our_replies_have_one_data_section() -> None:
    message = Message(
        properties=Properties(correlation_id="c"), application_properties=Map({"retry-after": Int(3)}), body=b"{}"
    )
    written = encode_message(message)
    properties = "005373c009064040404040a10163"
    application_properties = "005374c11002a10b72657472792d61667465725403"
    assert written.hex() == properties + application_properties + "005375a0027b7d"
    assert decode_message(written) == message


def test_application_properties_are_written_even_if_there_are_none() -> None:
    assert encode_message(Message(body=b"x")).hex() == "005374c10100" + "005375a00178"


@pytest.mark.parametrize(
    ("sections", "body"),
    [
        (b"", b""),
        (wire.data_section(b""), b""),
        (wire.data_section(b"{}"), b"{}"),
        (wire.data_section(b"{") + wire.data_section(b"}"), b"{}"),
        (wire.value_section(wire.text("")), b""),
        (wire.value_section(wire.text("text")), b"text"),
        (wire.value_section(wire.NULL), b""),
        (wire.value_section(wire.uint(1)), None),
        (wire.described(0x76, b"\x45"), None),
    ],
)
def test_bodies(sections: bytes, body: bytes | None) -> None:
    assert decode_message(sections).body == body


def test_other_sections_are_passed_over() -> None:
    assert decode_message(HEADER + ANNOTATIONS + wire.data_section(b"x") + FOOTER) == Message(body=b"x")


@pytest.mark.parametrize(
    ("written", "correlation_id"),
    [(wire.text("c"), "c"), (b"\x53\x07", Ulong(7)), (b"\x98" + bytes(16), Uuid(bytes(16))), (b"\xa0\x01x", b"x")],
)
def test_a_correlation_id_keeps_its_type(written: bytes, correlation_id: object) -> None:
    found = decode_message(wire.message_properties(written)).properties.correlation_id
    assert (type(found), found) == (type(correlation_id), correlation_id)


def test_sections_may_be_named() -> None:
    assert decode_message(b"\x00" + wire.symbol("amqp:data:binary") + wire.binary(b"x")).body == b"x"


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        (b"\x40", "a section of a message"),
        (wire.described(0x10, wire.listed(wire.text("c"))), "a section of a message"),
        (wire.described(0x79, b"\x45"), "a section of a message"),
        (wire.described(0x74, b"\x45"), "not a map"),
        (wire.described(0x75, wire.text("x")), "not binary"),
        (wire.described(0x76, wire.text("x")), "not a list"),
        (wire.message_properties(b"\x45"), "correlation_id of Properties"),
        (b"\x00", "ends beyond"),
    ],
)
def test_malformed(sections: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode_message(sections)
