"""What a condition on an entry's etag allows, as pure decisions.

Source: the REST contract and its clients. If-Match `*` on PUT creates, too (C# upserts with it); a concrete etag
on nothing does not match. Knows neither storage nor HTTP: etags come parsed (`model/identifiers.py`).
"""

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.bulk import BulkMode
from homeport.model.enrollment import Enrollment
from homeport.model.identifiers import ANY_ETAG, ETag, parse_if_match


class PutCondition(msgspec.Struct, frozen=True, kw_only=True):
    """The If-Match of a PUT; with `must_exist` it is an update and never creates."""

    if_match: ETag | None = None
    must_exist: bool = False


def check_put(current: Enrollment | None, condition: PutCondition) -> None:
    """Let a PUT over `current` (None: there is no such entry) pass.

    Raises:
        HomeportError: ALREADY_EXISTS for an unconditional PUT over an entry, ETAG_MISMATCH for a stale etag,
            ENROLLMENT_NOT_FOUND for an update of nothing.
    """
    if current is not None:
        if condition.if_match is None:
            raise HomeportError(errors.ALREADY_EXISTS, "To replace it, send its etag, or *, in If-Match.")
        check_match(etag_of(current), condition.if_match)
    elif condition.must_exist:
        raise HomeportError(errors.ENROLLMENT_NOT_FOUND)
    elif condition.if_match not in (None, ANY_ETAG):
        raise HomeportError(errors.ETAG_MISMATCH, "There is no such entry any more.", cause="absent")


def check_match(current: ETag, if_match: ETag | None) -> None:
    """Let a change of what has the etag `current` pass; without a condition it always does.

    Raises:
        HomeportError: ETAG_MISMATCH for a stale etag.
    """
    if if_match not in (None, ANY_ETAG, current):
        raise HomeportError(errors.ETAG_MISMATCH, cause="stale")


def bulk_condition(mode: BulkMode, etag: str | None) -> PutCondition:
    """The condition on one entry of a bulk; `etag` is the entry's own.

    Raises:
        HomeportError: INVALID_BODY for an update by etag without one.
    """
    if mode is BulkMode.CREATE:
        return PutCondition()
    if mode is BulkMode.UPDATE:
        return PutCondition(if_match=ANY_ETAG, must_exist=True)
    if_match = parse_if_match(etag)
    if if_match is None:
        raise HomeportError(
            errors.INVALID_BODY, f"The mode {mode} needs an etag in each entry.", info={"field": "etag"}
        )
    return PutCondition(if_match=if_match, must_exist=True)


def etag_of(stored: Enrollment) -> ETag:
    """The etag of a stored entry; every stored entry has one."""
    return ETag(stored.etag or "")
