"""What an enrollment or a group may say, and how it is completed before it is stored. Pure.

Sources: the service's pages on allocation policies and on symmetric-key attestation, and its limits. Shape and
types of the JSON are `wire/enrollments.py`'s; these rules hold for every door (REST, portal).
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from homeport import errors
from homeport.clock import Randomness
from homeport.errors import HomeportError
from homeport.model.attestation import AttestationMechanism, AttestationType, SymmetricKeyAttestation
from homeport.model.enrollment import Enrollment, EnrollmentGroup, IndividualEnrollment
from homeport.model.linked_hub import AllocationPolicy, LinkedHub
from homeport.security.key_derivation import encode_key
from homeport.security.sas import SasMalformed, decode_key

E = TypeVar("E", bound=Enrollment)

MAX_GROUPS = 1000
"""Groups of one service. The hosted service stops at 100; a device's token is tried against each of them."""
MAX_FREE_FORM_BYTES = 32 * 1024
"""Initial twin and optional device information together, as JSON. The hosted hub takes no larger twin."""
MAX_NESTING = 10
"""Levels of a free-form object; the hosted hub's rule for twins."""

_GENERATED_KEY_BYTES = 64
_KEY_BYTES = range(16, 65)
_OFFERED_POLICIES = (AllocationPolicy.HASHED, AllocationPolicy.STATIC)


def checked(entry: E, linked_hubs: Sequence[LinkedHub]) -> E:
    """`entry`, if its rules hold, with its hubs spelled as they are linked.

    Raises:
        HomeportError: INVALID_BODY naming the field, NOT_OFFERED for what this server does not do (yet).
    """
    _check_attestation(entry)
    _check_free_form(entry)
    entry = _with_linked_hubs(entry, linked_hubs)
    _check_allocation(entry)
    return entry


def names_hubs(entry: Enrollment) -> bool:
    """Whether the linked hubs are needed to judge `entry`."""
    return bool(entry.iot_hubs or entry.iot_hub_host_name)


def with_keys(entry: E, stored: Enrollment | None, randomness: Randomness) -> E:
    """`entry` with both keys: its own, else the stored ones (a GET hides them), else fresh ones.

    Raises:
        HomeportError: INVALID_BODY for a key that is not base64 of 16 to 64 bytes.
    """
    own = entry.attestation.symmetric_key or SymmetricKeyAttestation()
    kept = (stored.attestation.symmetric_key if stored else None) or SymmetricKeyAttestation()
    keys = SymmetricKeyAttestation(
        primary_key=_checked_key(own.primary_key, "primaryKey") or kept.primary_key or _fresh_key(randomness),
        secondary_key=_checked_key(own.secondary_key, "secondaryKey") or kept.secondary_key or _fresh_key(randomness),
    )
    return replace(entry, attestation=replace(entry.attestation, symmetric_key=keys))


def without_keys(entry: E) -> E:
    """`entry` as GET and query show it."""
    return replace(entry, attestation=AttestationMechanism(type=entry.attestation.type))


def _check_attestation(entry: Enrollment) -> None:
    kind = entry.attestation.type
    if kind is AttestationType.SYMMETRIC_KEY:
        return
    if kind is AttestationType.TPM and isinstance(entry, EnrollmentGroup):
        raise _invalid("A group cannot attest by TPM; use symmetricKey.", "attestation.type")
    raise _not_offered(
        f"Attestation by {kind} is not offered; symmetricKey is.", "attestation.type", [AttestationType.SYMMETRIC_KEY]
    )


def _check_allocation(entry: Enrollment) -> None:
    policy = entry.allocation_policy
    if policy is not None and policy not in _OFFERED_POLICIES:
        raise _not_offered(
            f"Allocation by {policy} is not offered; hashed and static are.", "allocationPolicy", _OFFERED_POLICIES
        )
    if policy is AllocationPolicy.STATIC and not entry.iot_hub_host_name and len(entry.iot_hubs or ()) != 1:
        raise _invalid("Static allocation needs exactly one hub in iotHubs.", "iotHubs")


def _with_linked_hubs(entry: E, linked_hubs: Sequence[LinkedHub]) -> E:
    spelling = {hub.host_name.lower(): hub.host_name for hub in linked_hubs}
    hubs = tuple(dict.fromkeys(_linked(name, spelling, "iotHubs") for name in entry.iot_hubs or ()))
    pinned = _linked(entry.iot_hub_host_name, spelling, "iotHubHostName") if entry.iot_hub_host_name else None
    # An empty list is some SDKs' way of leaving it open: all linked hubs.
    return replace(entry, iot_hubs=hubs or None, iot_hub_host_name=pinned)


def _linked(name: str, spelling: dict[str, str], field: str) -> str:
    linked = spelling.get(name.strip().lower())
    if linked is None:
        known = ", ".join(spelling.values()) or "none"
        raise _invalid(f"{field} names {name[:255]!r}, which is not a linked hub. Linked: {known}.", field)
    return linked


def _check_free_form(entry: Enrollment) -> None:
    parts = _free_form(entry)
    for field, part in parts:
        if not _is_shallow(part, MAX_NESTING):
            raise _invalid(f"{field} is nested deeper than {MAX_NESTING} levels.", field)
    if sum(len(msgspec.json.encode(part)) for _, part in parts) > MAX_FREE_FORM_BYTES:
        names = "initialTwin and optionalDeviceInformation"
        raise _invalid(f"{names} are larger than {MAX_FREE_FORM_BYTES} bytes together.", "initialTwin")


def _free_form(entry: Enrollment) -> list[tuple[str, dict[str, Any]]]:
    twin = entry.initial_twin
    desired = twin.properties.desired if twin and twin.properties else None
    information = entry.optional_device_information if isinstance(entry, IndividualEnrollment) else None
    parts = (
        ("initialTwin.tags", twin.tags if twin else None),
        ("initialTwin.properties.desired", desired),
        ("optionalDeviceInformation", information),
    )
    return [(field, part) for field, part in parts if part is not None]


def _is_shallow(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    members: Iterable[object] = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(member, levels - 1) for member in members)


def _checked_key(text: str | None, field: str) -> str | None:
    if not text:
        return None
    try:
        fits = len(decode_key(text)) in _KEY_BYTES
    except SasMalformed:
        fits = False
    if not fits:
        raise _invalid(f"{field} must be base64 of 16 to 64 bytes; leave it out to have one made.", field)
    return text


def _fresh_key(randomness: Randomness) -> str:
    return encode_key(randomness.token(_GENERATED_KEY_BYTES))


def _invalid(detail: str, field: str) -> HomeportError:
    return HomeportError(errors.INVALID_BODY, detail, info={"field": field})


def _not_offered(detail: str, field: str, offered: Sequence[str]) -> HomeportError:
    return HomeportError(errors.NOT_OFFERED, detail, info={"field": field, "offered": ", ".join(offered)})
