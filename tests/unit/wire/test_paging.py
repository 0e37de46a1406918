"""Page size and continuation."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport import errors
from homeport.errors import ErrorRow, HomeportError
from homeport.wire.paging import PAGE_SIZE, read_continuation, read_page_size, write_continuation

IDENTIFIERS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._:", min_size=1, max_size=128)


def row_of(text: str) -> ErrorRow | None:
    try:
        read_continuation(text, "enrollments")
    except HomeportError as error:
        return error.row
    return None


@pytest.mark.parametrize(
    ("text", "size"),
    [(None, 100), ("", 100), ("0", 100), ("1", 1), (" 7 ", 7), ("100", 100), ("101", 100), ("9" * 5000, 100)],
)
def test_page_sizes(text: str | None, size: int) -> None:
    assert PAGE_SIZE == 100
    assert read_page_size(text) == size


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "0x10", "٣", "1_000", "+5"])
def test_other_page_sizes_are_refused(text: str) -> None:
    with pytest.raises(HomeportError) as caught:
        read_page_size(text)
    assert caught.value.row is errors.INVALID_REQUEST


@settings(deadline=None)
@given(IDENTIFIERS)
def test_a_continuation_comes_back(after: str) -> None:
    token = write_continuation("enrollments", after)
    assert token.isascii()
    assert token.isprintable()
    assert read_continuation(token, "enrollments") == after


@pytest.mark.parametrize("text", [None, "", "  "])
def test_without_one_the_first_page_is_meant(text: str | None) -> None:
    assert read_continuation(text, "enrollments") == ""


@pytest.mark.parametrize(
    "token",
    [
        "?",
        "abc",
        "é",
        base64.urlsafe_b64encode(b"\xff").decode(),
        base64.urlsafe_b64encode(b"1\nenrollments").decode(),
        base64.urlsafe_b64encode(b"1\nenrollments\n").decode(),
        base64.urlsafe_b64encode(b"2\nenrollments\na").decode(),
        base64.urlsafe_b64encode(b"1\nenrollments\na\nb").decode(),
        write_continuation("enrollmentGroups", "a"),
    ],
)
def test_foreign_ones_are_refused(token: str) -> None:
    with pytest.raises(HomeportError) as caught:
        read_continuation(token, "enrollments")
    assert caught.value.row is errors.INVALID_CONTINUATION


@settings(deadline=None)
@given(st.text("MQplbm9yYQ=-_?\né", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert row_of(text) in (None, errors.INVALID_CONTINUATION)
