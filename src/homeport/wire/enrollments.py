"""Enrollments and groups as clients send them: one in a body, a bulk of them, a query.

Source: REST IndividualEnrollment, EnrollmentGroup, BulkEnrollmentOperation, QuerySpecification. SDKs send back
what they have read, so read-only members are dropped unread, nulls count as absent and unknown members are
ignored. The `info` of a certificate only says which stored one is meant; one that cannot be read says nothing.
Whether an entry is allowed is for `administration/enrollment_rules.py` to say. Answers need nothing
from here: they are the structs of `model/`.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from homeport.errors import HomeportError
from homeport.model.attestation import AttestationType, X509CertificateInfo
from homeport.model.bulk import MAX_BULK_ITEMS, BulkMode, BulkOperation
from homeport.model.enrollment import Enrollment, EnrollmentGroup, IndividualEnrollment, ProvisioningStatus
from homeport.model.identifiers import EnrollmentGroupId, RegistrationId, folded
from homeport.model.linked_hub import AllocationPolicy
from homeport.wire.json_body import invalid, read_as, read_object, without_nulls

E = TypeVar("E", bound=Enrollment)
T = TypeVar("T")

_READ_ONLY = frozenset({"registrationState", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"})
_FREE_FORM = frozenset({"tags", "desired", "optionalDeviceInformation"})
_CHOICES: dict[str, Sequence[str]] = {
    "allocationPolicy": [*AllocationPolicy],
    "provisioningStatus": [*ProvisioningStatus],
    "type": [*AttestationType],
}
_MODES = {mode.lower(): mode for mode in BulkMode}


class QuerySpecification(msgspec.Struct, frozen=True, kw_only=True):
    """REST: QuerySpecification. Its text has no effect, as with the hosted service."""

    query: str = ""


def read_individual_enrollment(body: bytes, registration_id: RegistrationId) -> IndividualEnrollment:
    """The enrollment in a PUT to `registration_id`.

    Raises:
        HomeportError: INVALID_BODY if it is malformed, or of another registration ID.
    """
    enrollment = _read_entry(_members(body), IndividualEnrollment)
    _check_same("registrationId", enrollment.registration_id, registration_id)
    return enrollment


def read_enrollment_group(body: bytes, group_id: EnrollmentGroupId) -> EnrollmentGroup:
    """The group in a PUT to `group_id`; otherwise as `read_individual_enrollment`."""
    group = _read_entry(_members(body), EnrollmentGroup)
    _check_same("enrollmentGroupId", group.enrollment_group_id, group_id)
    return group


def read_individual_bulk(body: bytes) -> BulkOperation[IndividualEnrollment]:
    """REST: BulkEnrollmentOperation.

    Raises:
        HomeportError: INVALID_BODY for the whole if any entry is malformed, or if there are none or too many.
    """
    return _read_bulk(body, "enrollments", "registrationId", IndividualEnrollment)


def read_group_bulk(body: bytes) -> BulkOperation[EnrollmentGroup]:
    """REST: BulkEnrollmentGroupOperation; otherwise as `read_individual_bulk`."""
    return _read_bulk(body, "enrollmentGroups", "enrollmentGroupId", EnrollmentGroup)


def check_query(body: bytes) -> None:
    """Refuse what is no QuerySpecification. Any text passes; clients that send no body at all do, too."""
    if body:
        read_as(_members(body), QuerySpecification)


def _members(body: bytes) -> dict[str, Any]:
    members: dict[str, Any] = _guarded(lambda: without_nulls(read_object(body), free_form=_FREE_FORM))
    return members


def _guarded(read: Callable[[], T]) -> T:
    """`read()`, with nesting that exhausts the stack turned into an answer."""
    try:
        return read()
    except RecursionError:
        raise invalid("It is nested too deeply.", path="$", remedy="flatten the objects") from None


def _read_entry(members: dict[str, Any], type_: type[E], place: str = "$") -> E:
    writable = {name: value for name, value in members.items() if name not in _READ_ONLY}
    _drop_unreadable_infos(writable)
    try:
        return _guarded(lambda: read_as(writable, type_))
    except HomeportError as error:
        raise _placed(error, place) from error


def _drop_unreadable_infos(entry: dict[str, Any]) -> None:
    """SDKs send back objects that they have filled in part, or emptied."""
    certificates = _member(_member(entry, "attestation"), "x509")
    for kind in ("clientCertificates", "signingCertificates"):
        for slot in ("primary", "secondary"):
            certificate = _member(_member(certificates, kind), slot)
            try:
                msgspec.convert(certificate.get("info"), X509CertificateInfo)
            except msgspec.ValidationError:
                certificate.pop("info", None)


def _member(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _placed(error: HomeportError, place: str) -> HomeportError:
    """`error` with its path seen from the whole body, and with the words that a choice allows."""
    path = error.info.get("path", "$")
    choices = _CHOICES.get(path.rpartition(".")[2])
    expected = f"one of {', '.join(choices)}" if choices else error.info.get("expected", "")
    whole = place + path.removeprefix("$")
    return invalid(f"{expected[:1].upper()}{expected[1:]} at {whole}.", path=whole, remedy=expected)


def _check_same(field: str, in_body: str, in_path: str) -> None:
    if folded(in_body) != folded(in_path):
        raise invalid(
            f"The {field} in the body differs from the one in the path.", path=f"$.{field}", remedy="send the same ID"
        )


def _read_bulk(body: bytes, collection: str, identifier: str, type_: type[E]) -> BulkOperation[E]:
    members = _members(body)
    mode = _mode(members.get("mode"))
    items = _items(members.get(collection), collection)
    if mode is BulkMode.DELETE:
        return BulkOperation(mode=mode, removals=tuple(_identifier(item, collection, identifier) for item in items))
    places = (f"$.{collection}[{position}]" for position in range(len(items)))
    return BulkOperation(
        mode=mode, entries=tuple(_read_entry(item, type_, place) for item, place in zip(items, places, strict=True))
    )


def _mode(text: object) -> BulkMode:
    # One SDK's typings spell a mode in another case than the specification.
    mode = _MODES.get(text.lower()) if isinstance(text, str) else None
    if mode is None:
        raise invalid(f"One of {', '.join(BulkMode)} at $.mode.", path="$.mode", remedy=f"one of {', '.join(BulkMode)}")
    return mode


def _items(value: object, collection: str) -> list[dict[str, Any]]:
    if isinstance(value, list) and 1 <= len(value) <= MAX_BULK_ITEMS and all(isinstance(item, dict) for item in value):
        return value
    expected = f"an array of 1 to {MAX_BULK_ITEMS} objects"
    raise invalid(f"Expected {expected} at $.{collection}.", path=f"$.{collection}", remedy=expected)


def _identifier(item: dict[str, Any], collection: str, field: str) -> str:
    identifier = item.get(field)
    if not isinstance(identifier, str):
        raise invalid(f"Each object of {collection} needs its {field}.", path=f"$.{collection}", remedy=f"a {field}")
    return identifier
