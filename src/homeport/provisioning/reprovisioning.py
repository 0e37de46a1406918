"""Reprovisioning, the decision: a device that registers again keeps its hub, or moves, with its data or without.

Pure. Source: the service's concept page on reprovisioning; the doing is in `assignment.py`.
"""

import enum

import msgspec

from homeport.model.enrollment import ReprovisionPolicy
from homeport.model.identifiers import DeviceId
from homeport.model.registration import RegistrationRecord, Substatus


class Movement(enum.Enum):
    """What happens to the device's place."""

    FIRST = enum.auto()
    KEEP = enum.auto()
    MIGRATE = enum.auto()
    RESET = enum.auto()


class ReprovisioningPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where the device goes, how its record calls it, and which identity is to be removed afterwards."""

    movement: Movement
    hub_host_name: str
    device_id: DeviceId
    substatus: Substatus
    leaves_hub: str | None = None
    leaves_device_id: DeviceId | None = None


def plan(
    previous: RegistrationRecord | None, policy: ReprovisionPolicy | None, *, chosen_hub: str, device_id: DeviceId
) -> ReprovisioningPlan:
    """Decide between staying and moving. `chosen_hub` is what allocation says today.

    A new device ID on the same hub makes a new identity there; the old one stays, as in the hosted service.
    """
    if previous is None or previous.assigned_hub is None or previous.device_id is None:
        return _at(Movement.FIRST, chosen_hub, device_id, Substatus.INITIAL_ASSIGNMENT)
    if previous.assigned_hub == chosen_hub:
        return _at(Movement.KEEP, chosen_hub, device_id, previous.substatus or Substatus.INITIAL_ASSIGNMENT)
    policy = policy or ReprovisionPolicy()
    if not policy.update_hub_assignment:
        return _at(
            Movement.KEEP, previous.assigned_hub, previous.device_id, Substatus.REPROVISIONED_TO_INITIAL_ASSIGNMENT
        )
    return ReprovisioningPlan(
        movement=Movement.MIGRATE if policy.migrate_device_data else Movement.RESET,
        hub_host_name=chosen_hub,
        device_id=previous.device_id if policy.migrate_device_data else device_id,
        substatus=Substatus.DEVICE_DATA_MIGRATED if policy.migrate_device_data else Substatus.DEVICE_DATA_RESET,
        leaves_hub=previous.assigned_hub,
        leaves_device_id=previous.device_id,
    )


def _at(movement: Movement, hub: str, device_id: DeviceId, substatus: Substatus) -> ReprovisioningPlan:
    return ReprovisioningPlan(movement=movement, hub_host_name=hub, device_id=device_id, substatus=substatus)
