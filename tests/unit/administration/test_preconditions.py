"""Conditions on etags, as the table of the contract has them."""

import pytest
from tests.unit.administration.world import individual, refused

from homeport import errors
from homeport.administration.preconditions import PutCondition, bulk_condition, check_match, check_put
from homeport.errors import ErrorRow
from homeport.model.bulk import BulkMode
from homeport.model.identifiers import ANY_ETAG, ETag

CURRENT = ETag('"current"')
STALE = ETag('"stale"')
STORED = individual(etag=CURRENT)


@pytest.mark.parametrize(
    ("exists", "condition", "row"),
    [
        (False, PutCondition(), None),
        (False, PutCondition(if_match=ANY_ETAG), None),
        (False, PutCondition(if_match=STALE), errors.ETAG_MISMATCH),
        (False, PutCondition(if_match=ANY_ETAG, must_exist=True), errors.ENROLLMENT_NOT_FOUND),
        (True, PutCondition(), errors.ALREADY_EXISTS),
        (True, PutCondition(if_match=ANY_ETAG), None),
        (True, PutCondition(if_match=CURRENT), None),
        (True, PutCondition(if_match=STALE), errors.ETAG_MISMATCH),
        (True, PutCondition(if_match=ANY_ETAG, must_exist=True), None),
    ],
)
def test_put(exists: bool, condition: PutCondition, row: ErrorRow | None) -> None:
    stored = STORED if exists else None
    if row is None:
        check_put(stored, condition)
    else:
        with refused(row):
            check_put(stored, condition)


@pytest.mark.parametrize("if_match", [None, ANY_ETAG, CURRENT])
def test_match(if_match: ETag | None) -> None:
    check_match(CURRENT, if_match)


def test_no_match() -> None:
    with refused(errors.ETAG_MISMATCH):
        check_match(CURRENT, STALE)


def test_bulk_modes() -> None:
    assert bulk_condition(BulkMode.CREATE, "ignored") == PutCondition()
    assert bulk_condition(BulkMode.UPDATE, "ignored") == PutCondition(if_match=ANY_ETAG, must_exist=True)
    by_etag = BulkMode.UPDATE_IF_MATCH_ETAG
    assert bulk_condition(by_etag, "current") == PutCondition(if_match=CURRENT, must_exist=True)
    with refused(errors.INVALID_BODY):
        bulk_condition(by_etag, None)
