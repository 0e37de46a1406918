"""The narrow door to hubs: what a connector must do, and what only some can.

A connector sees this module, `model`, `security.sas` and `outbound`, nothing else of the project. Built-ins
enter by the same door as others: the entry-point group `homeport.hub_connectors` (see `registry.py`).
"""

from collections.abc import Sequence
from typing import Protocol, cast, runtime_checkable

import msgspec

from homeport.model.attestation import HubCredential
from homeport.model.enrollment import DeviceCapabilities, InitialTwin
from homeport.model.identifiers import DeviceId, OperationId, ServiceId, SubjectKey
from homeport.storage.changes import Change


class HubPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be true at the hub: this device, with this credential, and this twin.

    `reset_twin` false: the twin is written only if the device is new there. True: it is replaced (the policy
    *reset* after a move). `operation_id` makes a repeated `apply` harmless.
    """

    service_id: ServiceId
    operation_id: OperationId
    hub_host_name: str
    device_id: DeviceId
    subject_key: SubjectKey
    credential: HubCredential
    initial_twin: InitialTwin | None = None
    capabilities: DeviceCapabilities | None = None
    reset_twin: bool = False


class HubUnavailable(Exception):
    """The hub does not answer, or asks to come back later; trying again may succeed."""


class HubRefused(Exception):
    """The hub answered that it will not take the device; trying again changes nothing. The text tells why."""


class HubConnector(Protocol):
    """One linked hub. Raises HubUnavailable or HubRefused."""

    async def apply(self, plan: HubPlan) -> None:
        """Make the plan true at the hub; idempotent by its operation ID."""
        ...

    async def remove(self, device_id: DeviceId) -> bool:
        """Remove the device and all that the hub holds of it; False if the hub did not know it."""
        ...

    async def check(self) -> None:
        """Return if the hub could take a device now."""
        ...


class SharesStorage(Protocol):
    """The ability of a hub whose registry lies in the service's own database.

    Its part of a registration is written in the registration's own transaction: registry and record cannot
    disagree, and the path stays at one write.
    """

    def changes_for(self, plan: HubPlan) -> Sequence[Change]:
        """The changes that make the plan true, for the caller to commit with its own."""
        ...

    def superseded(self, plan: HubPlan) -> None:
        """The changes are durable, and the device had another kind of credential before, or another twin: let go of
        what relies on them, such as its connection."""
        ...


def sharing_storage(connector: HubConnector) -> SharesStorage | None:
    """The connector, if it has that ability. (`isinstance` with a protocol costs 20 us, on every registration.)"""
    return cast(SharesStorage, connector) if hasattr(connector, "changes_for") else None


@runtime_checkable
class TwinMigration(Protocol):
    """The ability to hand over a device's twin when it moves to another hub."""

    async def export_twin(self, device_id: DeviceId) -> InitialTwin | None:
        """Tags and desired properties as they stand; None if the hub does not know the device."""
        ...


class HubDirectory(Protocol):
    """Finds the connector of a linked hub; one that could not start answers as unavailable, with its reason."""

    def connector(self, service_id: ServiceId, hub_host_name: str) -> HubConnector:
        """The connector of that hub; a connector that raises HubUnavailable where there is none."""
        ...
