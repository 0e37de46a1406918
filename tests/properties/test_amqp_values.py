"""The codec of AMQP's values and messages, whatever the value and whatever the bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.amqp import PAYLOADS, VALUES, damaged

from homeport.protocols.amqp.composites import composed
from homeport.protocols.amqp.conditions import Malformed
from homeport.protocols.amqp.decoding import MAX_VALUES, decode
from homeport.protocols.amqp.encoding import encode
from homeport.protocols.amqp.messages import decode_message, encode_message
from homeport.protocols.amqp.types import Array, Described, Map


def shape(value: object) -> object:
    """A value with the type of each part; two values that compare equal may be of different types."""
    if isinstance(value, list | Array):
        return type(value), [shape(item) for item in value]
    if isinstance(value, Map):
        return type(value), [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, Described):
        return type(value), shape(value.descriptor), shape(value.value)
    return type(value), repr(value)


def size(value: object) -> int:
    if isinstance(value, list | Array):
        return 1 + sum(map(size, value))
    if isinstance(value, Map):
        return 1 + sum(size(key) + size(item) for key, item in value.items())
    return 1 + size(value.value) if isinstance(value, Described) else 1


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_every_value_comes_back_in_its_type(value: object) -> None:
    assert shape(decode(encode(value))) == shape(value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | damaged())
def test_any_bytes_are_a_bounded_value_or_malformed(data: bytes) -> None:
    try:
        value = decode(data)
    except Malformed:
        return
    assert size(value) <= MAX_VALUES


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), st.sampled_from([b"\xc0", b"\xd0", b"\xc1", b"\xe0", b"\xf0"]), st.binary(max_size=40))
def test_nesting_of_any_depth_is_survived(depth: int, code: bytes, data: bytes) -> None:
    for _ in range(depth):
        width = 4 if code[0] & 0x10 else 1
        data = code + (len(data) + width & (1 << 8 * width) - 1).to_bytes(width) + (2).to_bytes(width) + data
    try:
        decode(data)
    except Malformed:
        return


@settings(max_examples=300, deadline=None)
@given(PAYLOADS)
def test_any_bytes_are_a_composite_a_value_or_malformed(data: bytes) -> None:
    try:
        composed(decode(data))
    except Malformed:
        return


@settings(max_examples=300, deadline=None)
@given(st.lists(PAYLOADS, max_size=3).map(b"".join))
def test_any_payload_is_a_message_or_malformed(data: bytes) -> None:
    try:
        message = decode_message(data)
    except Malformed:
        return
    if message.body is not None:
        assert decode_message(encode_message(message)).body == message.body
