"""Bulk results as clients read them."""

import msgspec

from homeport.model.bulk import BulkOperationError, BulkResult


def test_errors_are_there_even_when_empty() -> None:
    assert msgspec.json.encode(BulkResult(is_successful=True, errors=())) == b'{"isSuccessful":true,"errors":[]}'


def test_an_error_names_its_entry_by_one_id() -> None:
    error = BulkOperationError(enrollment_group_id="g", error_code=404201, error_status="No.")
    assert msgspec.json.decode(msgspec.json.encode(error)) == {
        "enrollmentGroupId": "g",
        "errorCode": 404201,
        "errorStatus": "No.",
    }
