"""Structs and described lists."""

import pytest
from tests.unit.protocols.amqp import wire

from homeport.protocols.amqp.composites import composed, encode_composite
from homeport.protocols.amqp.conditions import Malformed
from homeport.protocols.amqp.decoding import decode
from homeport.protocols.amqp.performatives import (
    Accepted,
    Attach,
    Disposition,
    Error,
    Flow,
    Open,
    Rejected,
    Source,
    Target,
)
from homeport.protocols.amqp.types import Described, Symbol, Uint, Ulong


def read(data: bytes) -> object:
    return composed(decode(data))


def test_open_with_every_null_written_out() -> None:
    data = wire.described(0x10, wire.listed(wire.text("c"), wire.NULL, wire.uint(512), wire.NULL, wire.smalluint(9)))
    assert read(data) == Open(container_id="c", max_frame_size=Uint(512), idle_time_out=Uint(9))


def test_defaults_and_what_follows_the_last_field_are_left_out() -> None:
    assert encode_composite(Open(container_id="c")).hex() == "005310c00401a10163"
    assert encode_composite(Accepted()).hex() == "00532445"
    flow = Flow(incoming_window=Uint(1), next_outgoing_id=Uint(0), outgoing_window=Uint(1), drain=True)
    assert encode_composite(flow).hex() == "005313c00c0940" + "5201" + "43" + "5201" + "40" * 4 + "41"


def test_structs_in_structs() -> None:
    error = Error(Symbol("amqp:not-found"), "gone")
    disposition = Disposition(role=True, first=Uint(3), settled=True, state=Rejected(error))
    assert read(encode_composite(disposition)) == disposition


def test_a_descriptor_may_be_a_name() -> None:
    data = b"\x00" + wire.symbol("amqp:accepted:list") + b"\x45"
    assert read(data) == Accepted()


def test_the_ends_of_a_link() -> None:
    data = wire.receiver("n", "a/registrations/b", wire.NULL)[8:]
    attach = read(data)
    assert isinstance(attach, Attach)
    assert (attach.source, attach.target) == (Source(address="a/registrations/b"), Target(address="local_endpoint"))


def test_what_is_no_composite_stays_what_it_is() -> None:
    assert read(wire.described(0x30, b"\x45")) == Described(Ulong(0x30), [])
    assert read(b"\x00\x45\x40") == Described([], None)
    assert read(b"\x40") is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wire.described(0x10, b"\x45"), "Open lacks container_id"),
        (wire.described(0x10, wire.listed(wire.NULL)), "Open lacks container_id"),
        (wire.described(0x10, wire.listed(wire.uint(1))), "container_id of Open is of another type"),
        (wire.described(0x10, wire.text("x")), "Open is not a list"),
        (wire.described(0x24, wire.listed(wire.NULL)), "Accepted has more fields"),
        (wire.described(0x25, wire.listed(wire.described(0x24, b"\x45"))), "error of Rejected is of another type"),
    ],
)
def test_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read(data)
