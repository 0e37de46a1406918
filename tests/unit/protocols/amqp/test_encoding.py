"""Values to bytes."""

import pytest
from tests.unit.protocols.amqp.vectors import VECTORS

from homeport.protocols.amqp.encoding import encode, encode_described_list
from homeport.protocols.amqp.types import Array, Described, Symbol, Ubyte, Uint, Ulong


@pytest.mark.parametrize(("value", "data"), [vector[1:] for vector in VECTORS], ids=[vector[0] for vector in VECTORS])
def test_vectors(value: object, data: str) -> None:
    assert encode(value).hex() == data


def test_arrays_of_texts_and_bytes_have_wide_sizes() -> None:
    assert encode(Array(("a",))).hex() == "e00701b10000000161"
    assert encode(Array((b"a",))).hex() == "e00701b00000000161"
    assert encode(Array((Symbol("a" * 256),)))[:10].hex() == "f000000109" + "00000001" + "b3"


def test_an_empty_array_is_of_symbols() -> None:
    assert encode(Array()).hex() == "e00200a3"


@pytest.mark.parametrize("value", [1, {"a": 1}, ("a",), object()])
def test_what_amqp_has_no_type_for(value: object) -> None:
    with pytest.raises(TypeError, match="no type for"):
        encode(value)


@pytest.mark.parametrize("value", [Array(("a", b"b")), Array((Described(Ulong(1), None),)), Array((None,))])
def test_arrays_that_are_not_written(value: Array) -> None:
    with pytest.raises(ValueError, match="an array of"):
        encode(value)


def test_numbers_too_large() -> None:
    with pytest.raises(OverflowError):
        encode(Ubyte(256))


@pytest.mark.parametrize("items", [[], [None], [True, "text", Uint(0)], ["x" * 300]])
def test_a_described_list_of_encoded_items_is_what_the_values_would_give(items: list[object]) -> None:
    assert encode_described_list(0x18, [encode(item) for item in items]) == encode(Described(Ulong(0x18), items))
