"""Which hub? Pure, one file per policy, one dispatch table.

The candidates are the entry's hubs, or else all linked ones; a hub with the drain switch set receives nobody.
"""

from collections.abc import Callable, Mapping, Sequence

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.enrollment import Enrollment
from homeport.model.identifiers import RegistrationId
from homeport.model.linked_hub import AllocationPolicy, LinkedHub
from homeport.provisioning.allocation import hashed, static

Chooser = Callable[[RegistrationId, Sequence[LinkedHub]], LinkedHub]

POLICIES: Mapping[AllocationPolicy, Chooser] = {
    AllocationPolicy.HASHED: hashed.choose,
    AllocationPolicy.STATIC: static.choose,
}


def choose(
    registration_id: RegistrationId,
    entry: Enrollment,
    linked_hubs: Sequence[LinkedHub],
    *,
    default_policy: AllocationPolicy,
) -> LinkedHub:
    """The hub that takes the device.

    Raises:
        HomeportError: NO_HUB when no linked hub may take it, NOT_OFFERED for a policy without a file here.
    """
    open_hubs = _candidates(entry, linked_hubs)
    policy = entry.allocation_policy or default_policy
    chooser = POLICIES.get(policy)
    if chooser is None:
        raise HomeportError(errors.NOT_OFFERED, f"The allocation policy {policy} is not offered.", cause="allocation")
    return chooser(registration_id, open_hubs)


def _candidates(entry: Enrollment, linked_hubs: Sequence[LinkedHub]) -> list[LinkedHub]:
    wanted = {name.lower() for name in entry.iot_hubs or ()}
    if entry.iot_hub_host_name:
        wanted = {entry.iot_hub_host_name.lower()}
    named = [hub for hub in linked_hubs if not wanted or hub.host_name.lower() in wanted]
    open_hubs = [hub for hub in named if hub.apply_allocation_policy]
    if not open_hubs:
        raise HomeportError(errors.NO_HUB, "Link a hub, or name a linked one in the enrollment.", cause="no_hub")
    return open_hubs
