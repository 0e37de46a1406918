"""Bytes to values, and bytes that are none."""

import pytest
from tests.unit.protocols.amqp.vectors import OTHER_FORMS, VECTORS

from homeport.protocols.amqp.conditions import DECODE_ERROR, Malformed
from homeport.protocols.amqp.decoding import MAX_DEPTH, MAX_VALUES, Values, decode

ALL = VECTORS + OTHER_FORMS


@pytest.mark.parametrize(("value", "data"), [vector[1:] for vector in ALL], ids=[vector[0] for vector in ALL])
def test_vectors(value: object, data: str) -> None:
    decoded = decode(bytes.fromhex(data))
    assert (type(decoded), repr(decoded)) == (type(value), repr(value))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "ends beyond"),
        ("70000000", "ends beyond"),
        ("a10561", "ends beyond"),
        ("b0ffffffff00", "ends beyond"),
        ("4040", "bytes remain"),
        ("3f", "no type has the code 0x3f"),
        ("5602", "neither true nor false"),
        ("a101ff", "not UTF-8"),
        ("a301c3", "not ASCII"),
        ("c0050140", "ends beyond its bytes"),
        ("c0030140" + "40", "size is not that"),
        ("c0020240" + "40", "size is not that"),
        ("c1020140", "a key and no value"),
        ("c1090440a10161" + "40a10162", "twice"),
        ("c105024540" + "4040", "compound key"),
        ("e0050100530100", "described twice"),
        ("0040", "ends beyond"),
    ],
)
def test_malformed(data: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        decode(bytes.fromhex(data))
    assert caught.value.condition == DECODE_ERROR


def nested(depth: int) -> bytes:
    data = b"\x45"
    for _ in range(depth):
        data = b"\xd0" + (len(data) + 4).to_bytes(4) + b"\x00\x00\x00\x01" + data
    return data


def test_nesting_has_its_limit() -> None:
    assert isinstance(decode(nested(MAX_DEPTH)), list)
    with pytest.raises(Malformed, match="nested too deeply"):
        decode(nested(MAX_DEPTH + 1))
    with pytest.raises(Malformed, match="nested too deeply"):
        decode(b"\x00" * 5000)


@pytest.mark.parametrize("code", [0xD0, 0xD1, 0xF0])
def test_a_count_that_is_too_large_is_refused_before_it_is_obeyed(code: int) -> None:
    with pytest.raises(Malformed, match="more values"):
        decode(bytes([code]) + (5).to_bytes(4) + (1 << 31).to_bytes(4) + b"\x40")


def test_values_are_counted_however_they_are_grouped() -> None:
    group = b"\xf0" + (5).to_bytes(4) + (1000).to_bytes(4) + b"\x40"
    values = Values(group * 3)
    values.next()
    values.next()
    with pytest.raises(Malformed, match="more values"):
        values.next()
    assert MAX_VALUES < 3000


def test_values_are_taken_from_the_front() -> None:
    values = Values(b"\x41\x40rest")
    assert (values.next(), values.next(), values.more(), values.rest()) == (True, None, True, b"rest")
    assert not values.more()
