"""What escapes becomes one row of the catalogue, and is reported once."""

import pytest
from tests.unit.endpoints.edge import Reporter

from homeport import errors
from homeport.endpoints.failures import catalogued
from homeport.errors import ErrorRow, HomeportError
from homeport.storage.port import StorageUnavailable

REFUSAL = HomeportError(errors.THROTTLED)


@pytest.mark.parametrize(
    ("failure", "row", "crashed"),
    [
        (REFUSAL, errors.THROTTLED, False),
        (StorageUnavailable("disk"), errors.UNAVAILABLE, False),
        (RuntimeError("bug"), errors.INTERNAL, True),
    ],
)
def test_catalogued(failure: Exception, row: ErrorRow, crashed: bool) -> None:
    reporter = Reporter()
    error = catalogued(failure, reporter, operation="register", transport="https", correlation_id="id")
    assert error.row is row
    assert reporter.crashes == ([failure] if crashed else [])
    assert reporter.refusals == ([] if crashed else [error])
    assert "disk" not in error.message


def test_an_error_keeps_nothing_of_what_led_to_it() -> None:
    try:
        try:
            raise ValueError("request")
        except ValueError as error:
            raise HomeportError(errors.INVALID_BODY) from error
    except HomeportError as error:
        refusal = catalogued(error, Reporter(), operation="register", transport="https", correlation_id="id")
    assert (refusal.__traceback__, refusal.__cause__, refusal.__context__) == (None, None, None)


def test_why_storage_failed_is_told_to_the_operator_alone() -> None:
    reporter = Reporter()
    error = catalogued(
        StorageUnavailable("disk full"), reporter, operation="register", transport="https", correlation_id="id"
    )
    assert reporter.outages == ["disk full"]
    assert error.retry_after == 5
