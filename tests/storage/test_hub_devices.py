"""The embedded hub's registry and twins."""

import msgspec
import pytest
from tests.storage.material import HUB, SERVICE, ensure_device, hub_device, hub_twin, later, on_storage

from homeport.model.identifiers import DeviceId, ETag, ServiceId
from homeport.storage.changes import ChangedMeanwhile, DeleteHubDevice, EnsureHubDevice, PutHubDevice, PutHubTwin
from homeport.storage.store import Store

DEVICE = DeviceId("Dev-1")


def delete(etag: str) -> DeleteHubDevice:
    return DeleteHubDevice(service_id=SERVICE, hub_host_name=HUB, device_id=DEVICE, expected=ETag(etag))


@on_storage
async def test_a_new_device_comes_with_its_twin(storage: Store) -> None:
    await storage.apply([ensure_device(DEVICE)])
    assert await storage.hub_devices.device(SERVICE, HUB, DEVICE) == hub_device(DEVICE)
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) == hub_twin(DEVICE)


@on_storage
async def test_device_ids_and_hubs_are_told_apart_exactly(storage: Store) -> None:
    await storage.apply([ensure_device(DEVICE)])
    assert await storage.hub_devices.device(SERVICE, HUB, DeviceId("dev-1")) is None
    assert await storage.hub_devices.twin(SERVICE, "other.example", DEVICE) is None


@on_storage
async def test_ensuring_again_renews_keys_and_capabilities_and_keeps_the_rest(storage: Store) -> None:
    disabled = hub_device(DEVICE, enabled=False, status_reason="lost")
    await storage.apply([EnsureHubDevice(device=disabled, twin=hub_twin(DEVICE))])
    renewed = hub_device(
        DEVICE,
        "2",
        primary_key="bmV3",
        secondary_key="b2xk",
        iot_edge=True,
        generation_id="other",
        created_at=later(9),
        updated_at=later(9),
    )
    await storage.apply([EnsureHubDevice(device=renewed, twin=hub_twin(DEVICE, "2", tags={}))])
    kept = {"enabled": False, "status_reason": "lost", "generation_id": disabled.generation_id}
    expected = msgspec.structs.replace(renewed, created_at=disabled.created_at, **kept)
    assert await storage.hub_devices.device(SERVICE, HUB, DEVICE) == expected
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) == hub_twin(DEVICE)


@on_storage
async def test_ensuring_again_exchanges_keys_for_certificates_and_back(storage: Store) -> None:
    thumbprints = {"primary_thumbprint": "AB" * 32, "secondary_thumbprint": "CD" * 20}
    certified = hub_device(DEVICE, "2", primary_key="", secondary_key="", **thumbprints)
    for device in (hub_device(DEVICE), certified, hub_device(DEVICE, "3")):
        for reset_twin in (False, True):
            await storage.apply([EnsureHubDevice(device=device, twin=hub_twin(DEVICE), reset_twin=reset_twin)])
            assert await storage.hub_devices.device(SERVICE, HUB, DEVICE) == device


@on_storage
async def test_ensuring_resets_the_twin_when_asked_to(storage: Store) -> None:
    await storage.apply([ensure_device(DEVICE, "1")])
    fresh = hub_twin(DEVICE, "2", tags={"site": "south"}, reported={"a": 1}, version=5, desired_version=2)
    await storage.apply([EnsureHubDevice(device=hub_device(DEVICE, "2"), twin=fresh, reset_twin=True)])
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) == fresh


@on_storage
async def test_ensuring_gives_a_twin_to_a_device_that_has_none(storage: Store) -> None:
    await storage.apply([PutHubDevice(device=hub_device(DEVICE), expected=None)])
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) is None
    await storage.apply([ensure_device(DEVICE, "2")])
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) == hub_twin(DEVICE, "2")


@on_storage
async def test_devices_and_twins_are_put_under_expectations(storage: Store) -> None:
    await storage.apply(
        [PutHubDevice(device=hub_device(DEVICE), expected=None), PutHubTwin(twin=hub_twin(DEVICE), expected=None)]
    )
    changed = hub_device(DEVICE, "2", enabled=False)
    patched = hub_twin(DEVICE, "2", reported={"on": True}, reported_version=2, version=2)
    await storage.apply(
        [PutHubDevice(device=changed, expected=ETag("1")), PutHubTwin(twin=patched, expected=ETag("1"))]
    )
    for stale in (
        PutHubDevice(device=changed, expected=None),
        PutHubDevice(device=changed, expected=ETag("1")),
        PutHubTwin(twin=patched, expected=None),
        PutHubTwin(twin=patched, expected=ETag("1")),
    ):
        with pytest.raises(ChangedMeanwhile):
            await storage.apply([stale])
    assert await storage.hub_devices.device(SERVICE, HUB, DEVICE) == changed
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) == patched


@on_storage
async def test_the_first_devices_of_a_hub_in_the_order_of_their_ids(storage: Store) -> None:
    for device_id in ("b", "C", "a"):
        await storage.apply([PutHubDevice(device=hub_device(device_id), expected=None)])
    await storage.apply([PutHubDevice(device=hub_device("A", hub_host_name="other.example"), expected=None)])
    assert await storage.hub_devices.devices(SERVICE, HUB, limit=9) == [*map(hub_device, ("C", "a", "b"))]
    assert await storage.hub_devices.devices(SERVICE, HUB, limit=2) == [*map(hub_device, ("C", "a"))]
    assert await storage.hub_devices.devices(ServiceId(2), HUB, limit=9) == []


@on_storage
async def test_a_twin_needs_its_device(storage: Store) -> None:
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([PutHubTwin(twin=hub_twin(DEVICE), expected=None)])


@on_storage
async def test_the_twin_goes_with_the_device(storage: Store) -> None:
    await storage.apply([ensure_device(DEVICE)])
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([delete("0")])
    await storage.apply([delete("1")])
    assert await storage.hub_devices.device(SERVICE, HUB, DEVICE) is None
    assert await storage.hub_devices.twin(SERVICE, HUB, DEVICE) is None
