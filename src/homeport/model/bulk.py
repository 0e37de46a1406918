"""Bulk changes of enrollments and groups: what is asked of each entry, and what became of it.

REST: BulkEnrollmentOperation, BulkEnrollmentGroupOperation and their results.
"""

import enum
from typing import Generic, TypeVar

import msgspec

from homeport.model.enrollment import Enrollment

E = TypeVar("E", bound=Enrollment)

MAX_BULK_ITEMS = 10


class BulkMode(enum.StrEnum):
    """REST: `mode` of a bulk operation."""

    CREATE = "create"
    UPDATE = "update"
    UPDATE_IF_MATCH_ETAG = "updateIfMatchETag"
    DELETE = "delete"


class BulkOperation(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """What is asked. With the mode delete there are only `removals`, the IDs; otherwise only `entries`."""

    mode: BulkMode
    entries: tuple[E, ...] = ()
    removals: tuple[str, ...] = ()


class BulkOperationError(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: DeviceRegistrationOperationError, EnrollmentGroupOperationError: one entry that was refused."""

    registration_id: str | None = None
    enrollment_group_id: str | None = None
    error_code: int
    error_status: str


class BulkResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: BulkEnrollmentOperationResult, BulkEnrollmentGroupOperationResult. `errors` is there even when empty."""

    is_successful: bool
    errors: tuple[BulkOperationError, ...]
