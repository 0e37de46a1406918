"""What an enrollment or a group may say. Pure. Its attestation has its own rules, in `attestation/`.

Sources: the service's pages on allocation policies, and its limits. Shape and types of the JSON are
`wire/enrollments.py`'s; these rules hold for every door (REST, portal).
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.enrollment import Enrollment, IndividualEnrollment
from homeport.model.linked_hub import AllocationPolicy, LinkedHub

E = TypeVar("E", bound=Enrollment)

MAX_GROUPS = 1000
"""Groups of one service. The hosted service stops at 100; a device's token is tried against each of them."""
MAX_FREE_FORM_BYTES = 32 * 1024
"""Initial twin and optional device information together, as JSON. The hosted hub takes no larger twin."""
MAX_NESTING = 10
"""Levels of a free-form object; the hosted hub's rule for twins."""

_OFFERED_POLICIES = (AllocationPolicy.HASHED, AllocationPolicy.STATIC)


def checked(entry: E, linked_hubs: Sequence[LinkedHub]) -> E:
    """`entry`, if its rules hold, with its hubs spelled as they are linked.

    Raises:
        HomeportError: INVALID_BODY naming the field, NOT_OFFERED for what this server does not do (yet).
    """
    _check_free_form(entry)
    entry = _with_linked_hubs(entry, linked_hubs)
    _check_allocation(entry)
    return entry


def names_hubs(entry: Enrollment) -> bool:
    """Whether the linked hubs are needed to judge `entry`."""
    return bool(entry.iot_hubs or entry.iot_hub_host_name)


def invalid(detail: str, field: str) -> HomeportError:
    """The refusal of a field: what is wrong with it and what to do."""
    return HomeportError(errors.INVALID_BODY, detail, info={"field": field})


def not_offered(detail: str, field: str, offered: Sequence[str]) -> HomeportError:
    """The refusal of what this server does not do (yet), with what it does instead."""
    return HomeportError(errors.NOT_OFFERED, detail, info={"field": field, "offered": ", ".join(offered)})


def _check_allocation(entry: Enrollment) -> None:
    policy = entry.allocation_policy
    if policy is not None and policy not in _OFFERED_POLICIES:
        raise not_offered(
            f"Allocation by {policy} is not offered; hashed and static are.", "allocationPolicy", _OFFERED_POLICIES
        )
    if policy is AllocationPolicy.STATIC and not entry.iot_hub_host_name and len(entry.iot_hubs or ()) != 1:
        raise invalid("Static allocation needs exactly one hub in iotHubs.", "iotHubs")


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
        raise invalid(f"{field} names {name[:255]!r}, which is not a linked hub. Linked: {known}.", field)
    return linked


def _check_free_form(entry: Enrollment) -> None:
    parts = _free_form(entry)
    for field, part in parts:
        if not _is_shallow(part, MAX_NESTING):
            raise invalid(f"{field} is nested deeper than {MAX_NESTING} levels.", field)
    if sum(len(msgspec.json.encode(part)) for _, part in parts) > MAX_FREE_FORM_BYTES:
        names = "initialTwin and optionalDeviceInformation"
        raise invalid(f"{names} are larger than {MAX_FREE_FORM_BYTES} bytes together.", "initialTwin")


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
