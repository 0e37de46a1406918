"""JSON bodies: what is read, and how what is not is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport import errors
from homeport.errors import ErrorRow, HomeportError
from homeport.wire.json_body import invalid, read_as, read_json, read_object, without_nulls

TEXTS = st.text('ab"\\\n\0é\u2028\U0001f600', max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def row_of(body: bytes) -> ErrorRow | None:
    try:
        read_json(body)
    except HomeportError as error:
        return error.row
    return None


class Inner(msgspec.Struct):
    size: int


class Outer(msgspec.Struct):
    name: str | None = None
    inner: list[Inner] = []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        rb'{"a": "\ud800"}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(HomeportError) as caught:
        read_json(body)
    assert caught.value.row is errors.INVALID_BODY


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"1", b"null"])
def test_only_an_object_is_an_object(body: bytes) -> None:
    with pytest.raises(HomeportError) as caught:
        read_object(body)
    assert caught.value.row is errors.INVALID_BODY


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert row_of(body) in (None, errors.INVALID_BODY)


@settings(deadline=None)
@given(JSON_VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert read_json(msgspec.json.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "path"),
    [({"name": 1}, "$.name"), ({"inner": [{"size": 1}, {"size": "x"}]}, "$.inner[1].size"), ([], "$")],
)
def test_a_wrong_type_is_named_with_its_place(value: Any, path: str) -> None:
    with pytest.raises(HomeportError) as caught:
        read_as(value, Outer)
    assert caught.value.info["path"] == path
    assert "Expected" in caught.value.info["expected"]
    assert path in caught.value.message


def test_unknown_members_are_dropped() -> None:
    assert read_as({"name": "a", "other": {}}, Outer) == Outer(name="a")


def test_nulls_are_absent_except_in_free_form() -> None:
    value = {"a": None, "b": {"c": None, "d": 1}, "e": [{"f": None}, None], "free": {"g": None}}
    assert without_nulls(value, free_form=frozenset({"free"})) == {
        "b": {"d": 1},
        "e": [{}, None],
        "free": {"g": None},
    }


def test_empty_facts_are_left_out() -> None:
    assert invalid("Wrong.").info == {}
    assert invalid("Wrong.", path="$.a", remedy="b").info == {"path": "$.a", "expected": "b"}
