"""Enrollment groups: every verb, against the real SQL."""

from tests.unit.administration.world import ME, PRIMARY, SECONDARY, STALE, World, group, in_world, keys, refused

from homeport import errors
from homeport.administration import enrollment_groups
from homeport.administration.preconditions import PutCondition
from homeport.model.bulk import BulkMode, BulkOperation
from homeport.model.events import EntryChanged
from homeport.model.identifiers import ANY_ETAG, EnrollmentGroupId, ETag, RegistrationId

ID = EnrollmentGroupId("Line-1")
CREATE = PutCondition()
OVERWRITE = PutCondition(if_match=ANY_ETAG)


@in_world
async def test_a_created_group_carries_its_keys_and_hides_them_later(world: World) -> None:
    created, events = await world.groups.put(world.service_id, group(), condition=CREATE, actor=ME)
    shown, _ = await world.groups.show(world.service_id, EnrollmentGroupId("LINE-1"))
    page, _ = await world.groups.page(world.service_id, after="", limit=10)
    mechanism, _ = await world.groups.attestation(world.service_id, ID, actor=ME)
    assert created.attestation.symmetric_key is not None
    assert shown.attestation.symmetric_key is None
    assert page.items == (shown,)
    assert mechanism == created.attestation
    assert [event.kind for event in events if isinstance(event, EntryChanged)] == ["EnrollmentGroupCreated"]


@in_world
async def test_an_update_keeps_what_it_leaves_out(world: World) -> None:
    sent = group(attestation=keys(PRIMARY, SECONDARY))
    first, _ = await world.groups.put(world.service_id, sent, condition=CREATE, actor=ME)
    world.clock.advance(60)
    condition = PutCondition(if_match=ETag(first.etag or ""))
    second, _ = await world.groups.put(world.service_id, group(), condition=condition, actor=ME)
    assert second.attestation == first.attestation
    assert second.created_date_time_utc == first.created_date_time_utc
    assert second.last_updated_date_time_utc == world.clock.now()
    assert second.etag != first.etag


@in_world
async def test_conditions(world: World) -> None:
    stale = PutCondition(if_match=STALE)
    with refused(errors.ETAG_MISMATCH):
        await world.groups.put(world.service_id, group(), condition=stale, actor=ME)
    with refused(errors.ENROLLMENT_NOT_FOUND):
        await world.groups.delete(world.service_id, ID, actor=ME)
    await world.groups.put(world.service_id, group(), condition=OVERWRITE, actor=ME)
    with refused(errors.ALREADY_EXISTS):
        await world.groups.put(world.service_id, group(), condition=CREATE, actor=ME)
    with refused(errors.ETAG_MISMATCH):
        await world.groups.delete(world.service_id, ID, if_match=STALE, actor=ME)
    await world.groups.delete(world.service_id, ID, if_match=ANY_ETAG, actor=ME)


@in_world
async def test_deleting_takes_only_its_own_records(world: World) -> None:
    await world.groups.put(world.service_id, group(), condition=CREATE, actor=ME)
    await world.record("mine", group_id="line-1")
    await world.record("other", group_id="line-2")
    await world.record("individual")
    await world.groups.delete(world.service_id, ID, actor=ME)
    left = [
        name
        for name in ("mine", "other", "individual")
        if await world.storage.registrations.record(world.service_id, RegistrationId(name))
    ]
    assert left == ["other", "individual"]


@in_world
async def test_deleting_can_keep_the_records(world: World) -> None:
    await world.groups.put(world.service_id, group(), condition=CREATE, actor=ME)
    await world.record("mine", group_id="line-1")
    await world.groups.delete(world.service_id, ID, keep_records=True, actor=ME)
    orphans, _ = await world.registrations.page_of_group(world.service_id, ID, after="", limit=10)
    assert [state.registration_id for state in orphans.items] == ["mine"]


@in_world
async def test_the_audit_log_names_the_group(world: World) -> None:
    await world.groups.put(world.service_id, group(), condition=CREATE, actor=ME)
    await world.groups.attestation(world.service_id, ID, actor=ME)
    await world.groups.delete(world.service_id, ID, actor=ME)
    entries = [entry for entry in await world.audit() if entry["actor"] == ME]
    assert [(entry["kind"], entry["detail"]) for entry in entries] == [
        ("EnrollmentGroupCreated", {"enrollmentGroupId": "Line-1"}),
        ("EnrollmentGroupKeysRead", {"enrollmentGroupId": "Line-1"}),
        ("EnrollmentGroupDeleted", {"enrollmentGroupId": "Line-1"}),
    ]


@in_world
async def test_there_is_a_last_group(world: World) -> None:
    most = 3
    enrollment_groups.MAX_GROUPS, before = most, enrollment_groups.MAX_GROUPS
    try:
        for number in range(most):
            await world.groups.put(world.service_id, group(f"g{number}"), condition=CREATE, actor=ME)
        with refused(errors.INVALID_REQUEST):
            await world.groups.put(world.service_id, group("one-more"), condition=CREATE, actor=ME)
        await world.groups.put(world.service_id, group("g0"), condition=OVERWRITE, actor=ME)
    finally:
        enrollment_groups.MAX_GROUPS = before


@in_world
async def test_bulk(world: World) -> None:
    create = BulkOperation(mode=BulkMode.CREATE, entries=(group("a"), group("a"), group("b")))
    result, events = await world.groups.bulk(world.service_id, create, actor=ME)
    assert [(error.enrollment_group_id, error.error_code) for error in result.errors] == [
        ("a", errors.ALREADY_EXISTS.code)
    ]
    assert len(events) == 2
    delete = BulkOperation(mode=BulkMode.DELETE, removals=("a", "b"))
    result, _ = await world.groups.bulk(world.service_id, delete, actor=ME)
    assert result.is_successful
    assert (await world.groups.page(world.service_id, after="", limit=10))[0].items == ()
