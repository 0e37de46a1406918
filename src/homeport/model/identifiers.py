"""Identifiers: parsed once at the edge, valid for ever after.

Registration IDs and enrollment group IDs are case-insensitive: what the caller wrote is kept for display and
for key derivation, `folded` is what storage compares. Knows nothing of JSON, storage or transports.
"""

import re
from typing import NewType

from homeport import errors
from homeport.clock import Randomness
from homeport.errors import HomeportError

RegistrationId = NewType("RegistrationId", str)
EnrollmentGroupId = NewType("EnrollmentGroupId", str)
DeviceId = NewType("DeviceId", str)
IdScope = NewType("IdScope", str)
OperationId = NewType("OperationId", str)
ETag = NewType("ETag", str)
ServiceId = NewType("ServiceId", int)
SubjectKey = NewType("SubjectKey", str)

MAX_LENGTH = 128
ANY_ETAG = ETag("*")

# The concept page's rule, wider than the OpenAPI description: a dash may stand last.
_REGISTRATION_ID = re.compile(r"[A-Za-z0-9\-._:]{0,127}[A-Za-z0-9\-]")
# The hub's rule: ASCII letters, digits and these marks.
_DEVICE_ID = re.compile(r"[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}")
_ID_SCOPE = re.compile(r"[A-Za-z0-9]{1,32}")
_OPERATION_ID = re.compile(r"[A-Za-z0-9.\-]{1,128}")

_RULE = "use 1 to 128 letters, digits, '-', '.', '_' or ':', and end with a letter, a digit or '-'"


def parse_registration_id(text: str) -> RegistrationId:
    """A registration ID as the caller wrote it.

    Raises:
        HomeportError: INVALID_IDENTIFIER if the grammar of the service's concept page is broken.
    """
    if not _REGISTRATION_ID.fullmatch(text):
        raise _invalid("registrationId", _RULE)
    return RegistrationId(text)


def parse_enrollment_group_id(text: str) -> EnrollmentGroupId:
    """An enrollment group ID; the rule is that of registration IDs."""
    if not _REGISTRATION_ID.fullmatch(text):
        raise _invalid("enrollmentGroupId", _RULE)
    return EnrollmentGroupId(text)


def parse_device_id(text: str) -> DeviceId:
    """A device ID by the hub's rule, which is wider than that of registration IDs."""
    if not _DEVICE_ID.fullmatch(text):
        raise _invalid("deviceId", "use 1 to 128 ASCII letters, digits or -:.+%_#*?!(),=@;$'")
    return DeviceId(text)


def parse_id_scope(text: str) -> IdScope:
    """An ID scope; letters and digits."""
    if not _ID_SCOPE.fullmatch(text):
        raise _invalid("idScope", "use the ID scope that the service was created with")
    return IdScope(text)


def parse_operation_id(text: str) -> OperationId:
    """An operation ID as `register` gave it out.

    Raises:
        HomeportError: OPERATION_NOT_FOUND, since a malformed one cannot belong to any operation.
    """
    if not _OPERATION_ID.fullmatch(text):
        raise HomeportError(errors.OPERATION_NOT_FOUND, "Its ID is malformed; register again.")
    return OperationId(text)


def folded(identifier: str) -> str:
    """The form in which two spellings of one registration ID, group ID or ID scope are equal."""
    return identifier.lower()


def new_etag(randomness: Randomness) -> ETag:
    """A fresh etag. The quotes are part of the value, as in the hosted service's bodies."""
    return ETag(f'"{randomness.guid()}"')


def parse_if_match(text: str | None) -> ETag | None:
    """The condition of an `If-Match` header; None without one, `ANY_ETAG` for any existing entry.

    Clients send the etag with its quotes, without them and, for `*`, in quotes too; all mean the same.
    """
    if text is None or not text.strip():
        return None
    bare = text.strip().removeprefix("W/")
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        bare = bare[1:-1]
    return ANY_ETAG if bare == "*" else ETag(f'"{bare}"')


def new_operation_id(randomness: Randomness) -> OperationId:
    """A fresh operation ID in the hosted service's form, from characters that no client needs to encode."""
    return OperationId(f"5.{randomness.token(8).hex()}.{randomness.guid()}")


def new_id_scope(randomness: Randomness) -> IdScope:
    """A fresh ID scope in the hosted service's form: `0ne` and eight hexadecimal digits."""
    return IdScope(f"0ne{randomness.token(4).hex().upper()}")


def new_subject_key(randomness: Randomness) -> SubjectKey:
    """A fresh random name for a data subject; audit and log say this instead of the identifier."""
    return SubjectKey(randomness.token(12).hex())


def _invalid(field: str, rule: str) -> HomeportError:
    return HomeportError(errors.INVALID_IDENTIFIER, f"{field}: {rule}.", info={"field": field})
