"""Linked hubs: link and list; an embedded one brings its policy."""

from typing import Any

from tests.unit.administration.world import HUB, ME, World, in_world, refused

from homeport import errors
from homeport.administration import linked_hubs
from homeport.administration.linked_hubs import EMBEDDED, MAX_LINKED_HUBS
from homeport.model.linked_hub import LinkedHub


def hub(world: World, host_name: str, **fields: Any) -> LinkedHub:
    return LinkedHub(**{"service_id": world.service_id, "host_name": host_name, "connector": "other", **fields})


@in_world
async def test_linked_hubs_are_listed_in_order(world: World) -> None:
    await world.hubs.link(hub(world, "a.test", allocation_weight=7, apply_allocation_policy=False), actor=ME)
    linked, _ = await world.hubs.list(world.service_id)
    assert {other.host_name for other in linked} == {HUB, "a.test"}
    assert hub(world, "a.test", allocation_weight=7, apply_allocation_policy=False) in linked
    assert (await world.audit())[-1]["detail"] == {"hubHostName": "a.test", "connector": "other"}


@in_world
async def test_only_an_embedded_hub_gets_a_policy(world: World) -> None:
    await world.hubs.link(hub(world, "foreign.test"), actor=ME)
    await world.hubs.link(hub(world, "own.test", connector=EMBEDDED), actor=ME)
    foreign, _ = await world.policies.list(world.service_id, hub_host_name="foreign.test")
    own, _ = await world.policies.list(world.service_id, hub_host_name="own.test")
    assert list(foreign) == []
    assert [policy.key_name for policy in own] == ["iothubowner"]


@in_world
async def test_what_is_refused(world: World) -> None:
    with refused(errors.ALREADY_EXISTS):
        await world.hubs.link(hub(world, HUB.lower()), actor=ME)
    for bad in ("", "has space", "a/b", "x" * 254):
        with refused(errors.INVALID_REQUEST):
            await world.hubs.link(hub(world, bad), actor=ME)
    for weight in (0, 1001):
        with refused(errors.INVALID_REQUEST):
            await world.hubs.link(hub(world, "w.test", allocation_weight=weight), actor=ME)


@in_world
async def test_there_is_a_last_hub(world: World) -> None:
    assert MAX_LINKED_HUBS == 50
    for number in range(linked_hubs.MAX_LINKED_HUBS - 1):
        await world.hubs.link(hub(world, f"h{number}.test"), actor=ME)
    with refused(errors.INVALID_REQUEST):
        await world.hubs.link(hub(world, "one-more.test"), actor=ME)
