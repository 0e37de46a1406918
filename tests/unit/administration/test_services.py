"""Provisioning services: create, list, and find by host name."""

import re

from tests.unit.administration.world import HOST, ME, World, in_world, refused

from homeport import errors
from homeport.model.identifiers import IdScope
from homeport.model.linked_hub import AllocationPolicy


@in_world
async def test_a_new_service_starts_as_the_hosted_one_does(world: World) -> None:
    service, _ = await world.services.create("second", host_name="second.test", actor=ME)
    assert re.fullmatch("0ne[0-9A-F]{8}", service.id_scope)
    assert service.allocation_policy is AllocationPolicy.HASHED
    assert service.service_id != world.service_id
    services, _ = await world.services.list()
    assert [other.name for other in services] == ["unit-test", "second"]
    policies, _ = await world.policies.list(service.service_id)
    assert [policy.key_name for policy in policies] == ["provisioningserviceowner"]


@in_world
async def test_an_id_scope_can_be_taken_over(world: World) -> None:
    service, _ = await world.services.create(
        "second", host_name="second.test", id_scope=IdScope("0ne00000ABC"), actor=ME
    )
    assert service.id_scope == "0ne00000ABC"
    with refused(errors.ALREADY_EXISTS):
        await world.services.create("third", host_name="third.test", id_scope=IdScope("0NE00000abc"), actor=ME)


@in_world
async def test_bad_and_taken_names_are_refused(world: World) -> None:
    for name in ("ab", "x" * 51, "-abc", "abc-", "12345", "a_b"):
        with refused(errors.INVALID_REQUEST):
            await world.services.create(name, host_name="x.test", actor=ME)
    with refused(errors.ALREADY_EXISTS):
        await world.services.create("UNIT-TEST", host_name="x.test", actor=ME)
    with refused(errors.ALREADY_EXISTS):
        await world.services.create("other", host_name=HOST.upper(), actor=ME)


@in_world
async def test_the_host_name_chooses_once_there_is_a_choice(world: World) -> None:
    assert (await world.services.by_host("anything.at.all")).service_id == world.service_id
    second, _ = await world.services.create("second", host_name="Second.test", actor=ME)
    assert (await world.services.by_host("second.test")).service_id == second.service_id
    assert (await world.services.by_host(HOST)).service_id == world.service_id
    with refused(errors.NOT_FOUND):
        await world.services.by_host("anything.at.all")
