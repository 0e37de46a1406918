"""The verbs on twins: conditions, what a connected device hears, and writers that meet."""

import asyncio

import msgspec
from tests.unit.administration.world import refused
from tests.unit.hubs.site import DEVICE, Site, at_site

from homeport import errors
from homeport.hubs.embedded.twins import TwinPatch, operators_etag
from homeport.model.events import EntryChanged
from homeport.model.hub_device import JsonObject
from homeport.model.identifiers import ANY_ETAG, DeviceId, ETag
from homeport.protocols.conversation import DesiredPropertiesChanged

NOBODY = DeviceId("nobody")


def told(event: object) -> JsonObject:
    assert isinstance(event, DesiredPropertiesChanged)
    patch: JsonObject = msgspec.json.decode(event.patch)
    assert patch["$version"] == event.version
    return patch


async def patch(site: Site, if_match: ETag | None = None, **sections: JsonObject) -> JsonObject:
    """Patch the device's twin; its desired properties afterwards."""
    (_, twin), _ = await site.embedded.twins.patch(
        site.hub, DEVICE, TwinPatch(**sections), if_match=if_match, actor="me"
    )
    return twin.desired


@at_site
async def test_a_patch_is_stored_audited_and_told_to_the_connected_device(site: Site) -> None:
    device = await site.device()
    _, connection = await site.connected()
    (_, twin), events = await site.embedded.twins.patch(
        site.hub, DEVICE, TwinPatch(tags={"a": 1}, desired={"rate": 5, "old": None}), if_match=None, actor="me"
    )
    assert (twin.tags, twin.desired) == ({"a": 1}, {"rate": 5})
    assert await site.embedded.twins.of_device(site.hub, DEVICE) == twin
    assert [told(event) for event in connection.heard] == [{"rate": 5, "old": None, "$version": 2}]
    assert events == (
        EntryChanged(
            service_id=site.world.service_id, kind="HubTwinUpdated", actor="me", subject_key=device.subject_key
        ),
    )
    assert (await site.world.audit())[-1]["kind"] == "HubTwinUpdated"


@at_site
async def test_tags_are_no_news_for_the_device(site: Site) -> None:
    await site.device()
    _, connection = await site.connected()
    await patch(site, tags={"a": 1})
    assert connection.heard == []


@at_site
async def test_an_empty_patch_changes_nothing(site: Site) -> None:
    await site.device()
    before = await site.embedded.twins.of_device(site.hub, DEVICE)
    entries = len(await site.world.audit())
    seen, events = await site.embedded.twins.patch(site.hub, DEVICE, TwinPatch(), if_match=None, actor="me")
    assert seen[1] == before
    assert (events, len(await site.world.audit())) == ((), entries)
    assert await site.embedded.twins.report(site.hub, DEVICE, {}) == before


@at_site
async def test_a_replacement_tells_the_device_what_differs(site: Site) -> None:
    await site.device()
    _, connection = await site.connected()
    await patch(site, desired={"keep": 1, "deep": {"a": 1, "b": 2}, "gone": 1})
    wanted = TwinPatch(tags={"new": 1}, desired={"keep": 1, "deep": {"b": 3}})
    (_, twin), _ = await site.embedded.twins.replace(site.hub, DEVICE, wanted, if_match=None, actor="me")
    assert (twin.tags, twin.desired) == (wanted.tags, wanted.desired)
    assert told(connection.heard[-1]) == {"gone": None, "deep": {"a": None, "b": 3}, "$version": 3}


@at_site
async def test_conditions(site: Site) -> None:
    await site.device()
    etag = operators_etag(await site.embedded.twins.of_device(site.hub, DEVICE))
    await site.embedded.twins.report(site.hub, DEVICE, {"battery": 80})
    await patch(site, if_match=etag, desired={"rate": 1})
    with refused(errors.ETAG_MISMATCH):
        await patch(site, if_match=etag, desired={"rate": 2})
    assert await patch(site, if_match=ANY_ETAG, desired={"rate": 3}) == {"rate": 3}


@at_site
async def test_a_refused_patch_leaves_everything_as_it_was(site: Site) -> None:
    await site.device()
    _, connection = await site.connected()
    before = await site.embedded.twins.of_device(site.hub, DEVICE)
    with refused(errors.INVALID_BODY):
        await patch(site, desired={"a.b": 1})
    assert await site.embedded.twins.of_device(site.hub, DEVICE) == before
    assert connection.heard == []


@at_site
async def test_writers_that_meet_all_get_their_turn(site: Site) -> None:
    await site.device()
    _, connection = await site.connected()
    patches = [patch(site, desired={f"d{number}": number}) for number in range(3)]
    reports = [site.embedded.twins.report(site.hub, DEVICE, {f"r{number}": number}) for number in range(3)]
    await asyncio.gather(*patches, *reports)
    twin = await site.embedded.twins.of_device(site.hub, DEVICE)
    assert twin.desired == {"d0": 0, "d1": 1, "d2": 2}
    assert twin.reported == {"r0": 0, "r1": 1, "r2": 2}
    assert (twin.desired_version, twin.reported_version, twin.version) == (4, 4, 7)
    assert [told(event)["$version"] for event in connection.heard] == [2, 3, 4]


@at_site
async def test_a_device_that_is_not_there_has_no_twin(site: Site) -> None:
    for verb in (
        site.embedded.twins.show(site.hub, NOBODY),
        site.embedded.twins.of_device(site.hub, NOBODY),
        site.embedded.twins.report(site.hub, NOBODY, {"a": 1}),
        site.embedded.twins.patch(site.hub, NOBODY, TwinPatch(tags={"a": 1}), if_match=None, actor="me"),
    ):
        with refused(errors.DEVICE_NOT_FOUND):
            await verb
