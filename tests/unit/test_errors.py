"""The catalogue: one row an error, no two alike, shaped as clients expect."""

from collections import Counter
from http import HTTPStatus

import pytest

from homeport import errors
from homeport.errors import ErrorRow, HomeportError, catalogue

ROWS = catalogue()


@pytest.mark.parametrize("unique", ["name", "code", "message"])
def test_no_two_rows_are_alike(unique: str) -> None:
    (_, often), *_ = Counter(getattr(row, unique) for row in ROWS).most_common(1)
    assert often == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_code_starts_with_its_status(row: ErrorRow) -> None:
    assert row.status == row.code // 1000
    assert HTTPStatus(row.status) >= HTTPStatus.BAD_REQUEST
    assert len(str(row.code)) == 6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_message_is_a_sentence(row: ErrorRow) -> None:
    assert row.message[0].isupper()
    assert row.message.endswith(".")
    assert len(row.message) < 80


def test_the_catalogue_is_whole_and_in_order() -> None:
    assert set(ROWS) == {value for value in vars(errors).values() if isinstance(value, ErrorRow)}
    assert [row.code for row in ROWS] == sorted(row.code for row in ROWS)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        # Clients read these numbers; they are the hosted service's.
        (errors.UNAUTHORIZED, 401000),
        (errors.ATTESTATION_FAILED, 401002),
        (errors.ENROLLMENT_DISABLED, 401003),
        (errors.ENROLLMENT_NOT_FOUND, 404201),
        (errors.ALREADY_EXISTS, 409201),
        (errors.ETAG_MISMATCH, 412201),
        (errors.THROTTLED, 429001),
        (errors.INTERNAL, 500001),
    ],
)
def test_codes_that_clients_know_stay(row: ErrorRow, code: int) -> None:
    assert row.code == code


def test_trying_again_makes_sense_where_the_row_says_so() -> None:
    retryable = {row.status for row in ROWS if row.retryable}
    assert {429, 500, 503} <= retryable
    assert not retryable & {400, 401, 403, 404, 405, 412, 413, 415, 431}


def test_an_error_tells_the_rows_sentence_and_the_case() -> None:
    error = HomeportError(errors.NOT_FOUND, "Look elsewhere.", info={"field": "x"}, retry_after=3)
    assert error.message == str(error) == "Nothing is here. Look elsewhere."
    assert (error.row, error.info, error.retry_after) == (errors.NOT_FOUND, {"field": "x"}, 3)


def test_without_a_case_the_row_stands_alone() -> None:
    error = HomeportError(errors.NOT_FOUND)
    assert error.message == errors.NOT_FOUND.message
    assert (error.cause, error.subject, dict(error.info), error.retry_after) == ("NotFound", "", {}, None)


def test_the_cause_is_not_for_the_caller() -> None:
    error = HomeportError(errors.ATTESTATION_FAILED, "No.", cause="wrong_key", subject="subject")
    assert error.cause == "wrong_key"
    assert "wrong_key" not in error.message
    assert "subject" not in error.message
