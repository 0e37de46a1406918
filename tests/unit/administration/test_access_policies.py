"""Shared access policies: create, list, show, regenerate, delete, and the rights that fit."""

import base64

from tests.unit.administration.world import HUB, ME, World, in_world, refused

from homeport import errors
from homeport.administration.access_policies import DEFAULT_HUB_POLICY, DEFAULT_SERVICE_POLICY, PolicyKey
from homeport.model.access_policy import HUB_RIGHTS, PROVISIONING_RIGHTS, AccessRight

READ = {AccessRight.ENROLLMENT_READ}


@in_world
async def test_a_new_policy_has_two_keys_of_32_bytes(world: World) -> None:
    policy, _ = await world.policies.create(world.service_id, "reader", rights=READ, actor=ME)
    assert policy.rights == READ
    assert policy.primary_key != policy.secondary_key
    assert len(base64.b64decode(policy.primary_key)) == len(base64.b64decode(policy.secondary_key)) == 32
    shown, _ = await world.policies.show(world.service_id, "READER")
    assert shown == policy


@in_world
async def test_service_and_hub_have_lists_of_their_own(world: World) -> None:
    of_service, _ = await world.policies.list(world.service_id)
    of_hub, _ = await world.policies.list(world.service_id, hub_host_name=HUB)
    assert [(policy.key_name, policy.rights) for policy in of_service] == [
        (DEFAULT_SERVICE_POLICY, PROVISIONING_RIGHTS)
    ]
    assert [(policy.key_name, policy.rights) for policy in of_hub] == [(DEFAULT_HUB_POLICY, HUB_RIGHTS)]


@in_world
async def test_what_is_refused_at_creation(world: World) -> None:
    for name in ("", "has space", "a&b", "x" * 65):
        with refused(errors.INVALID_REQUEST):
            await world.policies.create(world.service_id, name, rights=READ, actor=ME)
    with refused(errors.INVALID_REQUEST):
        await world.policies.create(world.service_id, "none", rights=set(), actor=ME)
    with refused(errors.INVALID_REQUEST):
        await world.policies.create(world.service_id, "hub", rights={AccessRight.REGISTRY_READ}, actor=ME)
    with refused(errors.INVALID_REQUEST):
        await world.policies.create(world.service_id, "dps", rights=READ, hub_host_name=HUB, actor=ME)
    with refused(errors.ALREADY_EXISTS):
        await world.policies.create(world.service_id, DEFAULT_SERVICE_POLICY.upper(), rights=READ, actor=ME)


@in_world
async def test_regenerating_changes_the_chosen_keys_only(world: World) -> None:
    old, _ = await world.policies.create(world.service_id, "reader", rights=READ, actor=ME)
    first, _ = await world.policies.regenerate(world.service_id, "reader", which=PolicyKey.PRIMARY, actor=ME)
    assert first.primary_key != old.primary_key
    assert first.secondary_key == old.secondary_key
    second, _ = await world.policies.regenerate(world.service_id, "reader", which=PolicyKey.SECONDARY, actor=ME)
    assert second.primary_key == first.primary_key
    assert second.secondary_key != first.secondary_key
    both, _ = await world.policies.regenerate(world.service_id, "reader", which=PolicyKey.BOTH, actor=ME)
    assert both.primary_key != second.primary_key
    assert both.secondary_key != second.secondary_key
    shown, _ = await world.policies.show(world.service_id, "reader")
    assert (shown, both.rights) == (both, READ)


@in_world
async def test_a_deleted_policy_is_gone(world: World) -> None:
    await world.policies.create(world.service_id, "reader", rights=READ, actor=ME)
    await world.policies.delete(world.service_id, "Reader", actor=ME)
    for verb in (
        world.policies.show(world.service_id, "reader"),
        world.policies.delete(world.service_id, "reader", actor=ME),
        world.policies.regenerate(world.service_id, "reader", which=PolicyKey.BOTH, actor=ME),
    ):
        with refused(errors.NOT_FOUND):
            await verb


@in_world
async def test_the_audit_log_names_the_policy_and_no_key(world: World) -> None:
    policy, _ = await world.policies.create(
        world.service_id, "reader", rights={AccessRight.REGISTRY_READ}, hub_host_name=HUB, actor=ME
    )
    entry = (await world.audit())[-1]
    assert (entry["kind"], entry["detail"]) == ("PolicyCreated", {"keyName": "reader", "hubHostName": HUB})
    assert policy.primary_key not in str(entry)


@in_world
async def test_a_policy_of_a_hub_that_is_not_linked_is_refused(world: World) -> None:
    with refused(errors.INVALID_REQUEST) as refusal:
        await world.policies.create(
            world.service_id, "reader", rights={AccessRight.REGISTRY_READ}, hub_host_name="other.test", actor=ME
        )
    assert HUB in refusal.value.message
