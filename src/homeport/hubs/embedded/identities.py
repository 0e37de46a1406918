"""The verbs on device identities, as operators use them: show, list, create, update, delete.

REST: Devices - Get, Create Or Update and Delete Identity, and Get Devices, of the hub. Devices that provisioning
brings come through `connector.py` instead. Each change writes its audit entry in the same transaction.
"""

import base64
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from homeport import errors
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.hubs.embedded.audit import audited
from homeport.hubs.embedded.device_twins import not_found
from homeport.hubs.embedded.presence import Presence
from homeport.model.events import ServiceEvent
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import ANY_ETAG, DeviceId, ETag, new_etag, new_subject_key
from homeport.model.linked_hub import LinkedHub
from homeport.storage.changes import Change, DeleteHubDevice, PutHubDevice, PutHubTwin, PutSubject
from homeport.storage.port import Storage
from homeport.storage.settling import settled

KEY_SIZE = 32
"""Bytes of a key that the hub makes."""

AuthenticationType = Literal["sas", "selfSigned"]
"""REST: the `type` of a device's authentication, as far as this hub knows it."""


class DeviceDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator wants a device to be. A key that is None is made on creation and kept on update.

    With a thumbprint the device has a certificate, and no keys. `authentication_type` None leaves it as it is.
    """

    device_id: DeviceId
    enabled: bool = True
    status_reason: str | None = None
    primary_key: str | None = None
    secondary_key: str | None = None
    primary_thumbprint: str | None = None
    secondary_thumbprint: str | None = None
    authentication_type: AuthenticationType | None = None
    iot_edge: bool = False

    def __repr__(self) -> str:
        return "DeviceDescription(…)"


class DeviceIdentities:
    """Identities of every embedded hub; the hub is named with each verb."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness, presence: Presence) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness
        self._presence = presence

    async def show(self, hub: LinkedHub, device_id: DeviceId) -> HubDevice:
        """One identity, with its keys.

        Raises:
            HomeportError: DEVICE_NOT_FOUND.
        """
        device = await self._find(hub, device_id)
        if device is None:
            raise not_found()
        return device

    async def first(self, hub: LinkedHub, limit: int) -> Sequence[HubDevice]:
        """Up to `limit` identities, with their keys, in the order of their IDs."""
        return await self._storage.hub_devices.devices(hub.service_id, hub.host_name, limit=limit)

    async def put(
        self, hub: LinkedHub, wanted: DeviceDescription, *, if_match: ETag | None, actor: str
    ) -> tuple[HubDevice, Sequence[ServiceEvent]]:
        """Create without a condition, update with one. A device that is no longer let in is disconnected.

        Raises:
            HomeportError: DEVICE_ALREADY_EXISTS, DEVICE_NOT_FOUND, ETAG_MISMATCH.
        """

        async def attempt() -> tuple[HubDevice, Sequence[ServiceEvent]]:
            current = await self._find(hub, wanted.device_id)
            if if_match is None:
                return await self._create(hub, current, wanted, actor=actor)
            return await self._update(_matching(current, if_match), wanted, actor=actor)

        return await settled(attempt)

    async def delete(
        self, hub: LinkedHub, device_id: DeviceId, *, if_match: ETag | None, actor: str
    ) -> Sequence[ServiceEvent]:
        """Delete a device with its twin, and end its connection. Without a condition it is deleted as it stands.

        Raises:
            HomeportError: DEVICE_NOT_FOUND, ETAG_MISMATCH.
        """

        async def attempt() -> Sequence[ServiceEvent]:
            device = _matching(await self._find(hub, device_id), if_match or ANY_ETAG)
            entry, events = audited(device, kind="HubDeviceDeleted", actor=actor, clock=self._clock)
            await self._storage.apply([deletion(device), entry])
            return events

        events = await settled(attempt)
        self._presence.gone(hub.host_name, device_id)
        return events

    async def _find(self, hub: LinkedHub, device_id: DeviceId) -> HubDevice | None:
        return await self._storage.hub_devices.device(hub.service_id, hub.host_name, device_id)

    async def _create(
        self, hub: LinkedHub, current: HubDevice | None, wanted: DeviceDescription, *, actor: str
    ) -> tuple[HubDevice, Sequence[ServiceEvent]]:
        if current is not None:
            raise HomeportError(errors.DEVICE_ALREADY_EXISTS, "To update it, send its etag, or *, in If-Match.")
        device, subject = await self._new(hub, wanted)
        twin = first_twin(device, etag=new_etag(self._randomness))
        entry, events = audited(device, kind="HubDeviceCreated", actor=actor, clock=self._clock)
        await self._storage.apply(
            [*subject, PutHubDevice(device=device, expected=None), PutHubTwin(twin=twin, expected=None), entry]
        )
        return device, events

    async def _new(self, hub: LinkedHub, wanted: DeviceDescription) -> tuple[HubDevice, Sequence[Change]]:
        """The new device, and the minting of its subject key if its ID was never seen."""
        known = await self._storage.audit.subject_key(hub.service_id, wanted.device_id)
        subject_key = known or new_subject_key(self._randomness)
        now = self._clock.now()
        device = HubDevice(
            service_id=hub.service_id,
            hub_host_name=hub.host_name,
            device_id=wanted.device_id,
            subject_key=subject_key,
            generation_id=self._randomness.token(8).hex(),
            etag=new_etag(self._randomness),
            **self._authentication(wanted, None),
            created_at=now,
            updated_at=now,
            enabled=wanted.enabled,
            status_reason=wanted.status_reason,
            iot_edge=wanted.iot_edge,
        )
        if known is not None:
            return device, ()
        mint = PutSubject(service_id=hub.service_id, subject_key=subject_key, registration_id=wanted.device_id)
        return device, (mint,)

    async def _update(
        self, current: HubDevice, wanted: DeviceDescription, *, actor: str
    ) -> tuple[HubDevice, Sequence[ServiceEvent]]:
        device = replace(
            current,
            etag=new_etag(self._randomness),
            **self._authentication(wanted, current),
            updated_at=self._clock.now(),
            enabled=wanted.enabled,
            status_reason=wanted.status_reason,
            iot_edge=wanted.iot_edge,
        )
        entry, events = audited(device, kind="HubDeviceUpdated", actor=actor, clock=self._clock)
        await self._storage.apply([PutHubDevice(device=device, expected=current.etag), entry])
        self._presence.identity_changed(device)
        return device, events

    def _authentication(self, wanted: DeviceDescription, current: HubDevice | None) -> dict[str, Any]:
        """The fields of keys and thumbprints: a device has the one or the other."""
        type_ = wanted.authentication_type
        if type_ is None and current is not None and current.has_certificate:
            return {}
        if type_ == "selfSigned":
            return {
                "primary_key": "",
                "secondary_key": "",
                "primary_thumbprint": wanted.primary_thumbprint,
                "secondary_thumbprint": wanted.secondary_thumbprint,
            }
        return {
            "primary_key": wanted.primary_key or (current and current.primary_key) or self._key(),
            "secondary_key": wanted.secondary_key or (current and current.secondary_key) or self._key(),
            "primary_thumbprint": None,
            "secondary_thumbprint": None,
        }

    def _key(self) -> str:
        return base64.b64encode(self._randomness.token(KEY_SIZE)).decode()


def first_twin(device: HubDevice, *, etag: ETag) -> HubTwin:
    """The twin of a device that has just come to its hub."""
    return HubTwin(
        service_id=device.service_id,
        hub_host_name=device.hub_host_name,
        device_id=device.device_id,
        etag=etag,
        updated_at=device.created_at,
        tags={},
        desired={},
        reported={},
    )


def deletion(device: HubDevice) -> DeleteHubDevice:
    """The change that deletes the device as it was read."""
    return DeleteHubDevice(
        service_id=device.service_id,
        hub_host_name=device.hub_host_name,
        device_id=device.device_id,
        expected=device.etag,
    )


def _matching(current: HubDevice | None, if_match: ETag) -> HubDevice:
    """The device, if it is there and the condition holds."""
    if current is None:
        raise not_found()
    if if_match not in (ANY_ETAG, current.etag):
        raise HomeportError(errors.ETAG_MISMATCH, cause="stale")
    return current
