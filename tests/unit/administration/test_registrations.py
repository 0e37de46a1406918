"""Registration records as an administrator sees them."""

from tests.unit.administration.world import HUB, ME, STALE, World, group, in_world, individual, refused

from homeport import errors
from homeport.administration.preconditions import PutCondition
from homeport.model.identifiers import ANY_ETAG, EnrollmentGroupId, RegistrationId

ID = RegistrationId("Device-1")
GROUP = EnrollmentGroupId("Line-1")


@in_world
async def test_a_record_is_shown_as_it_stands(world: World) -> None:
    with refused(errors.REGISTRATION_NOT_FOUND):
        await world.registrations.show(world.service_id, ID)
    record = await world.record("Device-1")
    state, _ = await world.registrations.show(world.service_id, RegistrationId("DEVICE-1"))
    assert (state.registration_id, state.etag, state.assigned_hub) == ("Device-1", record.etag, HUB)


@in_world
async def test_deleting_leaves_the_enrollment(world: World) -> None:
    await world.enrollments.put(world.service_id, individual(), condition=PutCondition(), actor=ME)
    record = await world.record("Device-1")
    with refused(errors.ETAG_MISMATCH):
        await world.registrations.delete(world.service_id, ID, if_match=STALE, actor=ME)
    _, events = await world.registrations.delete(world.service_id, ID, if_match=record.etag, actor=ME)
    shown, _ = await world.enrollments.show(world.service_id, ID)
    assert shown.registration_state is None
    assert events[0].subject_key == record.subject_key
    assert (await world.audit())[-1]["kind"] == "RegistrationDeleted"
    with refused(errors.REGISTRATION_NOT_FOUND):
        await world.registrations.delete(world.service_id, ID, if_match=ANY_ETAG, actor=ME)


@in_world
async def test_the_records_of_a_group_are_paged(world: World) -> None:
    await world.groups.put(world.service_id, group(), condition=PutCondition(), actor=ME)
    for name in ("c", "B", "a"):
        await world.record(name, group_id="LINE-1")
    await world.record("elsewhere", group_id="line-2")
    first, _ = await world.registrations.page_of_group(world.service_id, GROUP, after="", limit=2)
    assert [state.registration_id for state in first.items] == ["a", "B"]
    assert first.next_after == "b"
    second, _ = await world.registrations.page_of_group(world.service_id, GROUP, after="b", limit=2)
    assert [state.registration_id for state in second.items] == ["c"]
    assert second.next_after is None


@in_world
async def test_an_empty_group_is_not_a_missing_one(world: World) -> None:
    with refused(errors.ENROLLMENT_NOT_FOUND):
        await world.registrations.page_of_group(world.service_id, GROUP, after="", limit=2)
    await world.groups.put(world.service_id, group(), condition=PutCondition(), actor=ME)
    page, _ = await world.registrations.page_of_group(world.service_id, GROUP, after="", limit=2)
    assert page.items == ()
