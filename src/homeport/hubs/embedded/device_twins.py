"""The verbs on device twins, for both sides: operators patch and replace, devices read and report.

The rules are in `twins.py`; this module reads, lets them decide, writes, and tells a connected device of changed
desired properties once they are durable.
"""

from collections.abc import Callable, Sequence

from homeport import errors
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.hubs.embedded import twins
from homeport.hubs.embedded.audit import audited
from homeport.hubs.embedded.presence import Presence
from homeport.hubs.embedded.twins import TwinPatch
from homeport.model.events import ServiceEvent
from homeport.model.hub_device import HubDevice, HubTwin, JsonObject
from homeport.model.identifiers import ANY_ETAG, DeviceId, ETag, new_etag
from homeport.model.linked_hub import LinkedHub
from homeport.storage.changes import PutHubTwin
from homeport.storage.port import Storage
from homeport.storage.settling import settled

Seen = tuple[HubDevice, HubTwin]
"""What an operator sees of a device: its identity is part of the twin's document."""
Revision = Callable[[HubTwin], HubTwin]


class DeviceTwins:
    """Twins of every embedded hub; the hub is named with each verb."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness, presence: Presence) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness
        self._presence = presence

    async def show(self, hub: LinkedHub, device_id: DeviceId) -> Seen:
        """Identity and twin of a device.

        Raises:
            HomeportError: DEVICE_NOT_FOUND.
        """
        device = await self._storage.hub_devices.device(hub.service_id, hub.host_name, device_id)
        if device is None:
            raise not_found()
        return device, await self.of_device(hub, device_id)

    async def of_device(self, hub: LinkedHub, device_id: DeviceId) -> HubTwin:
        """The twin alone, in one read.

        Raises:
            HomeportError: DEVICE_NOT_FOUND.
        """
        twin = await self._storage.hub_devices.twin(hub.service_id, hub.host_name, device_id)
        if twin is None:
            raise not_found()
        return twin

    async def patch(
        self, hub: LinkedHub, device_id: DeviceId, patch: TwinPatch, *, if_match: ETag | None, actor: str
    ) -> tuple[Seen, Sequence[ServiceEvent]]:
        """Merge tags and desired properties. REST: Devices - Update Twin. An empty patch changes nothing.

        Raises:
            HomeportError: DEVICE_NOT_FOUND, ETAG_MISMATCH, INVALID_BODY.
        """

        def revise(twin: HubTwin) -> HubTwin:
            return twin if patch.is_empty else twins.patched(twin, patch, etag=self._etag(), at=self._clock.now())

        before, seen, events = await self._revise(hub, device_id, revise, if_match=if_match, actor=actor)
        if seen[1].desired_version != before.desired_version:
            self._presence.desired_properties_changed(seen[1], patch.desired)
        return seen, events

    async def replace(
        self, hub: LinkedHub, device_id: DeviceId, patch: TwinPatch, *, if_match: ETag | None, actor: str
    ) -> tuple[Seen, Sequence[ServiceEvent]]:
        """Put other tags and desired properties in place of those there. REST: Devices - Replace Twin.

        A connected device is told the difference, so that its copy, which it merges, ends up the same.

        Raises:
            HomeportError: DEVICE_NOT_FOUND, ETAG_MISMATCH, INVALID_BODY.
        """

        def revise(twin: HubTwin) -> HubTwin:
            return twins.replaced(twin, tags=patch.tags, desired=patch.desired, etag=self._etag(), at=self._clock.now())

        before, seen, events = await self._revise(hub, device_id, revise, if_match=if_match, actor=actor)
        difference = twins.difference(before.desired, seen[1].desired)
        self._presence.desired_properties_changed(seen[1], difference)
        return seen, events

    async def report(self, hub: LinkedHub, device_id: DeviceId, patch: JsonObject) -> HubTwin:
        """Merge what a device reports of itself.

        Raises:
            HomeportError: DEVICE_NOT_FOUND, INVALID_BODY.
        """

        async def attempt() -> HubTwin:
            twin = await self.of_device(hub, device_id)
            if not patch:
                return twin
            revised = twins.patched(twin, TwinPatch(reported=patch), etag=self._etag(), at=self._clock.now())
            await self._storage.apply([PutHubTwin(twin=revised, expected=twin.etag)])
            return revised

        return await settled(attempt)

    async def _revise(
        self, hub: LinkedHub, device_id: DeviceId, revise: Revision, *, if_match: ETag | None, actor: str
    ) -> tuple[HubTwin, Seen, Sequence[ServiceEvent]]:
        async def attempt() -> tuple[HubTwin, Seen, Sequence[ServiceEvent]]:
            device, before = await self.show(hub, device_id)
            if if_match not in (None, ANY_ETAG, twins.operators_etag(before)):
                raise HomeportError(errors.ETAG_MISMATCH, cause="stale")
            revised = revise(before)
            if revised is before:
                return before, (device, before), ()
            entry, events = audited(device, kind="HubTwinUpdated", actor=actor, clock=self._clock)
            await self._storage.apply([PutHubTwin(twin=revised, expected=before.etag), entry])
            return before, (device, revised), events

        return await settled(attempt)

    def _etag(self) -> ETag:
        return new_etag(self._randomness)


def not_found() -> HomeportError:
    """The hub holds no such device."""
    return HomeportError(errors.DEVICE_NOT_FOUND, "This hub holds no device with this ID.")
