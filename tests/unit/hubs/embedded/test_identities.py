"""The verbs on identities: conditions as the hub's, keys made, sessions ended, the audit log written."""

import base64
import hashlib
from typing import Any

import pytest
from tests.unit.administration.world import HUB, PRIMARY, SECONDARY, STALE, refused
from tests.unit.hubs.site import DEVICE, Connection, Site, at_site

from homeport import errors
from homeport.hubs.embedded.identities import DeviceDescription
from homeport.model.attestation import PresentedCredential
from homeport.model.identifiers import ANY_ETAG, DeviceId, ETag
from homeport.protocols.conversation import Displaced

WANTED = DeviceDescription(device_id=DEVICE)


async def put(site: Site, if_match: ETag | None) -> None:
    await site.embedded.identities.put(site.hub, WANTED, if_match=if_match, actor="me")


async def delete(site: Site, if_match: ETag | None) -> None:
    await site.embedded.identities.delete(site.hub, DEVICE, if_match=if_match, actor="me")


@at_site
async def test_a_new_device_gets_keys_and_an_empty_twin(site: Site) -> None:
    device, events = await site.embedded.identities.put(site.hub, WANTED, if_match=None, actor="me")
    assert len(base64.b64decode(device.primary_key)) == len(base64.b64decode(device.secondary_key)) == 32
    assert device.primary_key != device.secondary_key
    assert device.enabled
    assert await site.embedded.identities.show(site.hub, DEVICE) == device
    twin = await site.embedded.twins.of_device(site.hub, DEVICE)
    assert (twin.tags, twin.desired, twin.reported, twin.version) == ({}, {}, {}, 1)
    assert [event.kind for event in events] == ["HubDeviceCreated"]


@at_site
async def test_given_fields_are_kept(site: Site) -> None:
    device = await site.device(secondary_key=SECONDARY, enabled=False, status_reason="spare", iot_edge=True)
    assert (device.primary_key, device.secondary_key) == (PRIMARY, SECONDARY)
    assert (device.enabled, device.status_reason, device.iot_edge) == (False, "spare", True)


@at_site
async def test_conditions_of_put(site: Site) -> None:
    for condition in (ANY_ETAG, STALE):
        with refused(errors.DEVICE_NOT_FOUND):
            await put(site, condition)
    device = await site.device()
    with refused(errors.DEVICE_ALREADY_EXISTS):
        await put(site, None)
    with refused(errors.ETAG_MISMATCH):
        await put(site, STALE)
    await put(site, device.etag)
    with refused(errors.ETAG_MISMATCH):
        await put(site, device.etag)
    await put(site, ANY_ETAG)


@at_site
async def test_conditions_of_delete(site: Site) -> None:
    for condition in (None, ANY_ETAG, STALE):
        with refused(errors.DEVICE_NOT_FOUND):
            await delete(site, condition)
    device = await site.device()
    with refused(errors.ETAG_MISMATCH):
        await delete(site, STALE)
    await delete(site, device.etag)
    for condition in (None, ANY_ETAG):
        await site.device()
        await delete(site, condition)
    with refused(errors.DEVICE_NOT_FOUND):
        await site.embedded.identities.show(site.hub, DEVICE)


@at_site
async def test_an_update_keeps_keys_twin_and_generation_unless_told_otherwise(site: Site) -> None:
    before = await site.device(secondary_key=SECONDARY)
    await site.embedded.twins.report(site.hub, DEVICE, {"a": 1})
    site.world.clock.advance(60)
    after = await site.update(secondary_key=PRIMARY, status_reason="moved")
    assert (after.primary_key, after.secondary_key) == (PRIMARY, PRIMARY)
    assert (after.generation_id, after.created_at) == (before.generation_id, before.created_at)
    assert after.updated_at == site.world.clock.now()
    assert after.etag != before.etag
    assert (await site.embedded.twins.of_device(site.hub, DEVICE)).reported == {"a": 1}


@at_site
async def test_a_device_that_comes_again_is_another_generation_with_a_new_twin(site: Site) -> None:
    first = await site.device()
    await site.embedded.twins.report(site.hub, DEVICE, {"a": 1})
    await delete(site, None)
    second = await site.device()
    assert second.generation_id != first.generation_id
    assert second.subject_key == first.subject_key
    assert (await site.embedded.twins.of_device(site.hub, DEVICE)).reported == {}


@pytest.mark.parametrize("ending", ["disabled", "deleted"])
def test_a_device_that_is_disabled_or_deleted_is_disconnected(ending: str) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await site.device()
        _, connection = await site.connected()
        await site.update(status_reason="an update alone ends nothing")
        assert connection.heard == []
        await (site.update(enabled=False) if ending == "disabled" else delete(site, None))
        assert connection.heard == [Displaced()]
        assert not site.embedded.presence.is_connected(HUB, DEVICE)

    scenario()


@at_site
async def test_the_audit_log_tells_of_every_change_and_names_nobody(site: Site) -> None:
    device = await site.device()
    await site.update(enabled=False)
    await delete(site, None)
    entries = (await site.world.audit())[-3:]
    assert [entry["kind"] for entry in entries] == ["HubDeviceCreated", "HubDeviceUpdated", "HubDeviceDeleted"]
    assert str(entries).count(device.subject_key) == 3
    for secret in (DEVICE, device.primary_key, device.secondary_key):
        assert secret not in str(entries)


@at_site
async def test_a_device_that_has_registered_keeps_its_subject_key(site: Site) -> None:
    record = await site.world.record("Sensor-9")
    device = await site.device("Sensor-9")
    assert device.subject_key == record.subject_key


@at_site
async def test_device_ids_differ_by_case(site: Site) -> None:
    await site.device("sensor")
    with refused(errors.DEVICE_NOT_FOUND):
        await site.embedded.identities.show(site.hub, DeviceId("Sensor"))
    await site.device("Sensor")


@at_site
async def test_a_certificate_stays_until_the_operator_says_otherwise(site: Site) -> None:
    made = await site.device(authentication_type="selfSigned", primary_thumbprint="AB" * 20)
    assert (made.has_certificate, made.primary_key) == (True, "")
    kept = await site.update(enabled=False)
    assert kept.primary_thumbprint == "AB" * 20
    changed = await site.update(authentication_type="sas")
    assert (changed.has_certificate, bool(changed.primary_key)) == (False, True)


LEAF = b"the DER of a certificate"
OLD, NEW = hashlib.sha256(LEAF).hexdigest().upper(), "CD" * 32


@pytest.mark.parametrize(
    ("update", "displaced"),
    [
        ({"authentication_type": "selfSigned", "primary_thumbprint": OLD, "secondary_thumbprint": NEW}, False),
        ({"authentication_type": "selfSigned", "primary_thumbprint": NEW, "secondary_thumbprint": OLD}, False),
        ({}, False),
        ({"authentication_type": "selfSigned", "primary_thumbprint": NEW}, True),
        ({"authentication_type": "sas"}, True),
    ],
    ids=["another beside it", "exchanged", "left alone", "replaced", "a key instead"],
)
def test_a_withdrawn_certificate_ends_the_connection(update: dict[str, Any], displaced: bool) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await site.device(authentication_type="selfSigned", primary_thumbprint=OLD)
        connection = Connection()
        shown = PresentedCredential(certificate_chain=(LEAF,))
        site.embedded.sessions.attach(await site.present(shown), connection.listen)
        await site.update(**update)
        assert connection.heard == [Displaced()] * displaced

    scenario()


@at_site
async def test_the_first_devices_in_the_order_of_their_ids(site: Site) -> None:
    devices = [await site.device(device_id) for device_id in ("a", "b", "c")]
    assert await site.embedded.identities.first(site.hub, 2) == devices[:2]
