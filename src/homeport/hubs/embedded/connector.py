"""The embedded hub as provisioning sees it: a hub connector like any other, and the nearest one.

Its registry lies in the service's own database, so its part of a registration is a list of changes
(`SharesStorage`) that commits with the registration.
"""

from collections.abc import Sequence

import msgspec

from homeport.errors import HomeportError
from homeport.hubs.embedded import twins
from homeport.hubs.embedded.identities import deletion, first_twin
from homeport.hubs.embedded.twins import TwinPatch
from homeport.hubs.port import HubPlan, HubRefused, HubUnavailable
from homeport.hubs.registry import ConnectorContext
from homeport.model.attestation import HubCredential, SymmetricKeyCredential
from homeport.model.enrollment import InitialTwin, InitialTwinProperties
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import DeviceId, new_etag
from homeport.model.linked_hub import LinkedHub
from homeport.storage.changes import Change, EnsureHubDevice
from homeport.storage.port import StorageUnavailable
from homeport.storage.settling import settled


class EmbeddedHubConnector:
    """Implements `port.HubConnector`, `port.SharesStorage` and `port.TwinMigration`."""

    def __init__(self, hub: LinkedHub, context: ConnectorContext) -> None:
        self._hub = hub
        self._storage = context.storage
        self._clock = context.clock
        self._randomness = context.randomness
        self._forget = context.forget
        self._look_again = context.look_again

    @classmethod
    def for_hub(cls, hub: LinkedHub, context: ConnectorContext) -> "EmbeddedHubConnector":
        """The connector of one linked hub; see `registry.ConnectorFactory`."""
        return cls(hub, context)

    def changes_for(self, plan: HubPlan) -> Sequence[Change]:
        """The one change that makes the plan true.

        Raises:
            HubRefused: the initial twin breaks a rule of twins.
        """
        device = self._device(plan)
        return [EnsureHubDevice(device=device, twin=self._twin(plan, device), reset_twin=plan.reset_twin)]

    def superseded(self, plan: HubPlan) -> None:
        """End a connection that was opened by what is no longer so, on any worker."""
        self._look_again(self._hub.host_name, plan.device_id)

    async def apply(self, plan: HubPlan) -> None:
        """Commit `changes_for` alone; the same plan again leaves everything as it is, but for etags and times."""
        try:
            await self._storage.apply(self.changes_for(plan))
        except StorageUnavailable as error:
            raise HubUnavailable("the database does not answer") from error

    async def remove(self, device_id: DeviceId) -> bool:
        """Delete the device with its twin, its connection and its telemetry."""

        async def attempt() -> bool:
            device = await self._storage.hub_devices.device(self._hub.service_id, self._hub.host_name, device_id)
            if device is not None:
                await self._storage.apply([deletion(device)])
            return device is not None

        try:
            known = await settled(attempt)
        except (StorageUnavailable, HomeportError) as error:
            raise HubUnavailable("the device could not be deleted") from error
        self._forget(self._hub.host_name, device_id)
        return known

    async def check(self) -> None:
        """Return if the database can be written."""
        try:
            await self._storage.check()
        except StorageUnavailable as error:
            raise HubUnavailable("the database does not answer") from error

    async def export_twin(self, device_id: DeviceId) -> InitialTwin | None:
        """Tags and desired properties as they stand."""
        twin = await self._storage.hub_devices.twin(self._hub.service_id, self._hub.host_name, device_id)
        if twin is None:
            return None
        return InitialTwin(tags=twin.tags, properties=InitialTwinProperties(desired=twin.desired))

    def _device(self, plan: HubPlan) -> HubDevice:
        now = self._clock.now()
        keys, thumbprints = _opened_by(plan.credential)
        return HubDevice(
            service_id=self._hub.service_id,
            hub_host_name=self._hub.host_name,
            device_id=plan.device_id,
            subject_key=plan.subject_key,
            generation_id=self._randomness.token(8).hex(),
            etag=new_etag(self._randomness),
            primary_key=keys[0],
            secondary_key=keys[1],
            primary_thumbprint=thumbprints[0],
            secondary_thumbprint=thumbprints[1],
            created_at=now,
            updated_at=now,
            iot_edge=plan.capabilities is not None and plan.capabilities.iot_edge,
        )

    def _twin(self, plan: HubPlan, device: HubDevice) -> HubTwin:
        twin = first_twin(device, etag=new_etag(self._randomness))
        patch = _initial(plan.initial_twin)
        if patch.is_empty:
            return twin
        try:
            filled = twins.patched(twin, patch, etag=twin.etag, at=twin.updated_at)
        except HomeportError as error:
            raise HubRefused(f"The initial twin is not valid. {error.message}") from error
        # It is the first version of this twin, not the second.
        return msgspec.structs.replace(filled, desired_version=1, version=1)


def _opened_by(credential: HubCredential) -> tuple[tuple[str, str], tuple[str | None, str | None]]:
    """The keys and the thumbprints of a device; one of the two pairs is empty."""
    if isinstance(credential, SymmetricKeyCredential):
        return (credential.primary_key, credential.secondary_key), (None, None)
    return ("", ""), (credential.primary_thumbprint, credential.secondary_thumbprint)


def _initial(initial_twin: InitialTwin | None) -> TwinPatch:
    if initial_twin is None:
        return TwinPatch()
    properties = initial_twin.properties
    desired = properties.desired if properties is not None else None
    return TwinPatch(tags=initial_twin.tags or {}, desired=twins.without_shown(desired or {}))
