"""Identifiers: the grammars, what folds together, and the forms of fresh ones."""

import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.administration.world import CountedRandomness, refused

from homeport import errors
from homeport.errors import ErrorRow
from homeport.model import identifiers
from homeport.model.identifiers import (
    ANY_ETAG,
    folded,
    new_etag,
    new_id_scope,
    new_operation_id,
    new_subject_key,
    parse_device_id,
    parse_enrollment_group_id,
    parse_id_scope,
    parse_if_match,
    parse_operation_id,
    parse_registration_id,
)

ALNUM = string.ascii_letters + string.digits
PARSERS: list[Callable[[str], str]] = [parse_registration_id, parse_enrollment_group_id]


@st.composite
def registration_ids(draw: st.DrawFn) -> str:
    return draw(st.text(ALNUM + "-._:", max_size=127)) + draw(st.sampled_from(ALNUM + "-"))


@given(registration_ids())
def test_whatever_the_grammar_allows_is_kept_as_it_is(text: str) -> None:
    for parse in PARSERS:
        assert parse(text) == text


@given(st.text())
def test_any_text_is_parsed_or_refused_with_the_rule(text: str) -> None:
    allowed = 1 <= len(text) <= 128 and set(text) <= set(ALNUM + "-._:") and text[-1] in ALNUM + "-"
    for parse in PARSERS:
        if allowed:
            assert parse(text) == text
        else:
            with refused(errors.INVALID_IDENTIFIER):
                parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text", ["", "a" * 129, "a.", "a_", "a:", "a b", "a\n", "ä", "a/b", "\u0661", "a\0", "a+b", "\u212a"]
)
def test_what_lies_outside_is_refused(parse: Callable[[str], str], text: str) -> None:
    with refused(errors.INVALID_IDENTIFIER) as refusal:
        parse(text)
    assert refusal.value.info["field"] in {"registrationId", "enrollmentGroupId"}
    if text:
        assert text not in refusal.value.message


@pytest.mark.parametrize("text", ["a", "-", "A-", "a.b", "1:2_3-", "x" * 128])
def test_the_edges_of_the_grammar(text: str) -> None:
    assert parse_registration_id(text) == text


@given(st.text(ALNUM + "-:.+%_#*?!(),=@;$'", min_size=1, max_size=128))
def test_a_device_id_may_hold_more(text: str) -> None:
    assert parse_device_id(text) == text


@pytest.mark.parametrize(
    ("parse", "text", "row"),
    [
        (parse_device_id, "", errors.INVALID_IDENTIFIER),
        (parse_device_id, "a/b", errors.INVALID_IDENTIFIER),
        (parse_device_id, "a b", errors.INVALID_IDENTIFIER),
        (parse_device_id, "d" * 129, errors.INVALID_IDENTIFIER),
        (parse_id_scope, "", errors.INVALID_IDENTIFIER),
        (parse_id_scope, "0ne-1", errors.INVALID_IDENTIFIER),
        (parse_id_scope, "0" * 33, errors.INVALID_IDENTIFIER),
        (parse_operation_id, "", errors.OPERATION_NOT_FOUND),
        (parse_operation_id, "5/../x", errors.OPERATION_NOT_FOUND),
        (parse_operation_id, "5" * 129, errors.OPERATION_NOT_FOUND),
    ],
)
def test_other_identifiers_have_their_own_grammar(parse: Callable[[str], str], text: str, row: ErrorRow) -> None:
    with refused(row):
        parse(text)


@given(registration_ids())
def test_folding_ignores_case_and_nothing_else(text: str) -> None:
    assert folded(text) == folded(text.swapcase()) == folded(folded(text))
    assert len(folded(text)) == len(text)
    assert folded(text) != folded(text + "-")


@pytest.mark.parametrize(
    ("header", "condition"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("*", ANY_ETAG),
        ('"*"', ANY_ETAG),
        (' "abc" ', '"abc"'),
        ("abc", '"abc"'),
        ('W/"abc"', '"abc"'),
        ('"', '"""'),
    ],
)
def test_an_if_match_is_read_with_and_without_quotes(header: str | None, condition: str | None) -> None:
    assert parse_if_match(header) == condition


@given(st.integers(0, 2**32 - 1))
def test_a_fresh_etag_matches_itself_however_a_client_sends_it(count: int) -> None:
    etag = new_etag(CountedRandomness(count))
    assert parse_if_match(etag) == parse_if_match(etag.strip('"')) == parse_if_match(f"W/{etag}") == etag


def test_fresh_identifiers_have_the_hosted_services_form() -> None:
    randomness = CountedRandomness()
    operation_id, scope = new_operation_id(randomness), new_id_scope(randomness)
    assert parse_operation_id(operation_id) == operation_id
    assert re.fullmatch(r"5\.[0-9a-f]{16}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", operation_id)
    assert parse_id_scope(scope) == scope
    assert re.fullmatch(r"0ne[0-9A-F]{8}", scope)


@pytest.mark.parametrize("fresh", [new_etag, new_operation_id, new_id_scope, new_subject_key])
def test_fresh_identifiers_differ(fresh: Callable[[CountedRandomness], str]) -> None:
    randomness = CountedRandomness()
    assert len({fresh(randomness) for _ in range(20)}) == 20


def test_a_subject_key_has_96_bits() -> None:
    assert len(bytes.fromhex(new_subject_key(CountedRandomness()))) == 12


def test_the_length_is_the_documented_one() -> None:
    assert identifiers.MAX_LENGTH == 128
