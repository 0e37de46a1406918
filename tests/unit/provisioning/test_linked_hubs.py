"""The hubs that a device may be assigned to are never older than the read that let it in."""

from msgspec.structs import replace
from tests.unit.provisioning.floor import ID, Floor, on_floor

from homeport.model.linked_hub import LinkedHub
from homeport.provisioning.linked_hubs import LinkedHubCache
from homeport.storage.changes import PutLinkedHub


async def hubs(cache: LinkedHubCache, floor: Floor) -> list[LinkedHub]:
    context = await floor.world.storage.registrations.context(floor.world.service_id, ID)
    return list(await cache.of(floor.world.service_id, context))


@on_floor
async def test_they_are_read_again_only_after_a_change(floor: Floor) -> None:
    cache = LinkedHubCache(floor.world.storage.settings)
    first, *_ = await hubs(cache, floor)
    assert (await hubs(cache, floor))[0] is first
    await floor.enroll_group("Line-1")
    assert (await hubs(cache, floor))[0] is not first


@on_floor
async def test_a_hub_that_takes_no_more_devices_is_left_at_once(floor: Floor) -> None:
    cache = LinkedHubCache(floor.world.storage.settings)
    first, *_ = await hubs(cache, floor)
    await floor.world.storage.apply([PutLinkedHub(hub=replace(first, allocation_weight=0))])
    assert (await hubs(cache, floor))[0].allocation_weight == 0


@on_floor
async def test_a_hub_that_is_linked_counts_at_once(floor: Floor) -> None:
    cache = LinkedHubCache(floor.world.storage.settings)
    first, *_ = await hubs(cache, floor)
    await floor.world.storage.apply([PutLinkedHub(hub=replace(first, host_name="second.example"))])
    assert "second.example" in {hub.host_name for hub in await hubs(cache, floor)}
