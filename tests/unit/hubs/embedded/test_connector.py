"""The embedded hub as a connector: a plan becomes true, again without harm, and its abilities."""

from typing import Any

import pytest
from tests.unit.administration.world import HUB, PRIMARY, SECONDARY
from tests.unit.hubs.site import DEVICE, Site, at_site

from homeport.hubs.embedded.connector import EmbeddedHubConnector
from homeport.hubs.embedded.twins import TwinPatch
from homeport.hubs.port import (
    HubPlan,
    HubRefused,
    HubUnavailable,
    TwinMigration,
    sharing_storage,
)
from homeport.model.attestation import SymmetricKeyCredential, X509Credential
from homeport.model.enrollment import DeviceCapabilities, InitialTwin, InitialTwinProperties
from homeport.model.identifiers import DeviceId, OperationId, ServiceId, SubjectKey
from homeport.protocols.conversation import Displaced
from homeport.storage.changes import EnsureHubDevice

TWIN = InitialTwin(tags={"site": "a"}, properties=InitialTwinProperties(desired={"rate": 5}))


def plan(**fields: Any) -> HubPlan:
    return HubPlan(
        **{
            "service_id": ServiceId(1),
            "operation_id": OperationId("5.0.0"),
            "hub_host_name": HUB,
            "device_id": DEVICE,
            "subject_key": SubjectKey("subject"),
            "credential": SymmetricKeyCredential(primary_key=PRIMARY, secondary_key=SECONDARY),
            "initial_twin": TWIN,
            **fields,
        }
    )


def connector(site: Site) -> EmbeddedHubConnector:
    return EmbeddedHubConnector.for_hub(site.hub, site.embedded.context)


@at_site
async def test_it_has_both_abilities(site: Site) -> None:
    assert sharing_storage(connector(site)) is not None
    assert isinstance(connector(site), TwinMigration)


@at_site
async def test_a_plan_makes_device_and_twin(site: Site) -> None:
    await connector(site).apply(plan(capabilities=DeviceCapabilities(iot_edge=True)))
    device, twin = await site.embedded.twins.show(site.hub, DEVICE)
    assert (device.primary_key, device.secondary_key) == (PRIMARY, SECONDARY)
    assert (device.enabled, device.iot_edge, device.subject_key) == (True, True, "subject")
    assert (twin.tags, twin.desired, twin.reported) == ({"site": "a"}, {"rate": 5}, {})
    assert (twin.desired_version, twin.reported_version, twin.version) == (1, 1, 1)
    assert (await site.connect()).device_id == DEVICE


@at_site
async def test_a_plan_again_takes_new_keys_and_keeps_the_twin(site: Site) -> None:
    await connector(site).apply(plan())
    await site.embedded.twins.report(site.hub, DEVICE, {"a": 1})
    before, _ = await site.embedded.twins.show(site.hub, DEVICE)
    swapped = SymmetricKeyCredential(primary_key=SECONDARY, secondary_key=PRIMARY)
    await connector(site).apply(plan(credential=swapped, initial_twin=InitialTwin(tags={"site": "b"})))
    device, twin = await site.embedded.twins.show(site.hub, DEVICE)
    assert (device.primary_key, device.generation_id) == (SECONDARY, before.generation_id)
    assert (twin.tags, twin.reported) == ({"site": "a"}, {"a": 1})


@at_site
async def test_a_reset_replaces_the_twin(site: Site) -> None:
    await connector(site).apply(plan())
    await site.embedded.twins.report(site.hub, DEVICE, {"a": 1})
    await connector(site).apply(plan(initial_twin=None, reset_twin=True))
    _, twin = await site.embedded.twins.show(site.hub, DEVICE)
    assert (twin.tags, twin.desired, twin.reported) == ({}, {}, {})


@at_site
async def test_the_changes_are_for_the_caller_to_commit(site: Site) -> None:
    (change,) = connector(site).changes_for(plan(reset_twin=True))
    assert isinstance(change, EnsureHubDevice)
    assert change.reset_twin
    assert await connector(site).export_twin(DEVICE) is None


@at_site
async def test_an_initial_twin_that_breaks_the_rules_is_refused(site: Site) -> None:
    twin = InitialTwin(tags={"a.b": 1})
    with pytest.raises(HubRefused, match="tags has a key with a dot"):
        await connector(site).apply(plan(initial_twin=twin))
    assert await connector(site).export_twin(DEVICE) is None


@at_site
async def test_what_the_hub_shows_in_a_section_is_dropped_from_an_initial_twin(site: Site) -> None:
    desired = {"rate": 5, "$version": 4, "$metadata": {}}
    twin = InitialTwin(properties=InitialTwinProperties(desired=desired))
    await connector(site).apply(plan(initial_twin=twin))
    assert (await site.embedded.twins.of_device(site.hub, DEVICE)).desired == {"rate": 5}


@at_site
async def test_removal_takes_everything(site: Site) -> None:
    await connector(site).apply(plan())
    _, connection = await site.connected()
    site.embedded.memory.record(HUB, DEVICE, body=b"1", properties=(), at=site.world.clock.now())
    assert await connector(site).remove(DEVICE)
    assert connection.heard == [Displaced()]
    assert site.telemetry() == []
    assert await connector(site).export_twin(DEVICE) is None
    assert not await connector(site).remove(DEVICE)


@at_site
async def test_a_twin_is_handed_over_as_it_stands(site: Site) -> None:
    await connector(site).apply(plan())
    patch = TwinPatch(tags={"floor": 3}, desired={"rate": 6})
    await site.embedded.twins.patch(site.hub, DEVICE, patch, if_match=None, actor="me")
    assert await connector(site).export_twin(DEVICE) == InitialTwin(
        tags={"site": "a", "floor": 3}, properties=InitialTwinProperties(desired={"rate": 6})
    )
    assert await connector(site).export_twin(DeviceId("nobody")) is None


@at_site
async def test_without_storage_the_hub_is_unavailable(site: Site) -> None:
    await connector(site).check()
    await site.world.storage.close()
    with pytest.raises(HubUnavailable):
        await connector(site).check()
    with pytest.raises(HubUnavailable):
        await connector(site).apply(plan())
    with pytest.raises(HubUnavailable):
        await connector(site).remove(DEVICE)


@at_site
async def test_what_proved_the_device_replaces_what_opened_its_hub_before(site: Site) -> None:
    await connector(site).apply(plan())
    await connector(site).apply(plan(credential=X509Credential(primary_thumbprint="AB" * 32)))
    device, _ = await site.embedded.twins.show(site.hub, DEVICE)
    assert (device.primary_thumbprint, device.primary_key, device.has_certificate) == ("AB" * 32, "", True)
    await connector(site).apply(plan())
    device, _ = await site.embedded.twins.show(site.hub, DEVICE)
    assert (device.primary_thumbprint, device.primary_key, device.has_certificate) == (None, PRIMARY, False)
