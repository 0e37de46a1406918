"""Registration records: the one read, the guarded writes, and claims of open operations."""

import asyncio

import pytest
from tests.storage.material import (
    SERVICE,
    individual,
    later,
    on_storage,
    put_group,
    put_individual,
    put_record,
    put_subject,
    record,
)

from homeport.model.identifiers import EnrollmentGroupId, RegistrationId
from homeport.model.registration import RegistrationStatus
from homeport.storage.changes import ChangedMeanwhile, DeleteRegistration, PutRegistration
from homeport.storage.store import Store

DEVICE = RegistrationId("dev-1")


@on_storage
async def test_the_context_of_an_unknown_device_is_empty(storage: Store) -> None:
    context = await storage.registrations.context(SERVICE, DEVICE)
    assert context.enrollment is None
    assert context.record is None
    assert context.subject_key is None
    assert context.groups_version == 0


@on_storage
async def test_the_context_holds_enrollment_record_subject_and_the_groups_version(storage: Store) -> None:
    await storage.apply([put_individual("Dev-1"), put_record("Dev-1"), put_subject("Dev-1", "s1"), put_group("g")])
    context = await storage.registrations.context(SERVICE, DEVICE)
    assert context.enrollment == individual("Dev-1")
    assert context.record == record("Dev-1")
    assert context.subject_key == "s1"
    assert context.groups_version == 1


@on_storage
async def test_each_part_of_the_context_may_be_there_alone(storage: Store) -> None:
    await storage.apply([put_individual("a"), put_record("b"), put_subject("c", "s")])
    of_entry = await storage.registrations.context(SERVICE, RegistrationId("a"))
    of_record = await storage.registrations.context(SERVICE, RegistrationId("b"))
    of_subject = await storage.registrations.context(SERVICE, RegistrationId("c"))
    assert (of_entry.record, of_entry.subject_key) == (None, None)
    assert (of_record.enrollment, of_record.record) == (None, record("b"))
    assert (of_subject.enrollment, of_subject.record, of_subject.subject_key) == (None, None, "s")


@on_storage
async def test_a_record_keeps_every_field(storage: Store) -> None:
    full = record(
        "Dev-1",
        status=RegistrationStatus.FAILED,
        enrollment_group_id=EnrollmentGroupId("Group-1"),
        error_code=400208,
        error_message="No hub.",
        payload=b'{"a":1}',
        returned_payload=b"null",
    )
    bare = record("dev-2", assigned_hub=None, device_id=None, substatus=None)
    await storage.apply([PutRegistration(record=one, expected=None) for one in (full, bare)])
    assert await storage.registrations.record(SERVICE, DEVICE) == full
    assert await storage.registrations.record(SERVICE, RegistrationId("dev-2")) == bare


@on_storage
async def test_writes_need_the_etag_that_is_there(storage: Store) -> None:
    await storage.apply([put_record("dev-1", "1")])
    await storage.apply([put_record("DEV-1", "2", expected="1")])
    for stale in (
        put_record("dev-1", "3"),
        put_record("dev-1", "3", expected="1"),
        DeleteRegistration(service_id=SERVICE, registration_id=DEVICE, expected=record("dev-1", "1").etag),
    ):
        with pytest.raises(ChangedMeanwhile):
            await storage.apply([stale])
    assert await storage.registrations.record(SERVICE, DEVICE) == record("DEV-1", "2")


@on_storage
async def test_deleting_a_record_leaves_the_enrollment(storage: Store) -> None:
    await storage.apply([put_individual("dev-1"), put_record("dev-1", "1")])
    deletion = DeleteRegistration(service_id=SERVICE, registration_id=DEVICE, expected=record("dev-1", "1").etag)
    await storage.apply([deletion])
    context = await storage.registrations.context(SERVICE, DEVICE)
    assert context.record is None
    assert context.enrollment is not None


@on_storage
async def test_a_groups_records_are_paged_in_order_and_nobody_elses(storage: Store) -> None:
    theirs = [put_record(name, group_id="Group-1") for name in ("c", "A", "b")]
    others = [put_record("x", group_id="group-2"), put_record("y")]
    await storage.apply([*theirs, *others])
    group_id = EnrollmentGroupId("GROUP-1")
    first = await storage.registrations.of_group(SERVICE, group_id, after="", limit=2)
    rest = await storage.registrations.of_group(SERVICE, group_id, after=first[-1].registration_id, limit=2)
    assert [one.registration_id for one in first] == ["A", "b"]
    assert [one.registration_id for one in rest] == ["c"]
    assert first[0].enrollment_group_id == "Group-1"


@on_storage
async def test_the_name_of_a_subject_may_be_put_again_but_not_changed(storage: Store) -> None:
    await storage.apply([put_subject("dev-1", "s1")])
    await storage.apply([put_subject("DEV-1", "s1")])
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([put_subject("dev-1", "s2")])
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([put_subject("dev-2", "s1")])
    assert await storage.audit.subject_key(SERVICE, "dEv-1") == "s1"
    assert await storage.audit.subject_key(SERVICE, "dev-2") is None


@on_storage
async def test_an_open_operation_is_claimed_only_when_its_claim_has_run_out(storage: Store) -> None:
    await storage.apply([put_record("dev-1", claimed_until=later(10)), put_record("closed")])
    assert await storage.registrations.claim_next(now=later(9.9), claimed_until=later(20)) is None
    assert await storage.registrations.claim_next(now=later(10), claimed_until=later(20)) == record("dev-1")
    assert await storage.registrations.claim_next(now=later(19), claimed_until=later(30)) is None
    assert await storage.registrations.claim_next(now=later(20), claimed_until=later(30)) == record("dev-1")


@on_storage
async def test_the_longest_abandoned_operation_is_claimed_first(storage: Store) -> None:
    await storage.apply([put_record(f"dev-{wait}", claimed_until=later(wait)) for wait in (3, 1, 2)])
    claimed = [await storage.registrations.claim_next(now=later(5), claimed_until=later(60)) for _ in range(4)]
    assert [one and one.registration_id for one in claimed] == ["dev-1", "dev-2", "dev-3", None]


@on_storage
async def test_workers_that_claim_at_once_get_different_operations(storage: Store) -> None:
    await storage.apply([put_record(f"dev-{number}", claimed_until=later(0)) for number in range(8)])
    claims = [storage.registrations.claim_next(now=later(1), claimed_until=later(60)) for _ in range(12)]
    claimed = [one.registration_id for one in await asyncio.gather(*claims) if one is not None]
    assert sorted(claimed) == [f"dev-{number}" for number in range(8)]


@on_storage
async def test_a_finished_operation_is_claimed_no_more(storage: Store) -> None:
    await storage.apply([put_record("dev-1", "1", claimed_until=later(0))])
    await storage.apply([put_record("dev-1", "2", expected="1")])
    assert await storage.registrations.claim_next(now=later(1), claimed_until=later(60)) is None


@on_storage
async def test_a_claim_that_was_made_before_the_clock_was_set_back_is_void(storage: Store) -> None:
    """Others have 30 s each; this one would have ten minutes more."""
    await storage.apply([put_record("dev-1", claimed_until=later(630)), put_record("dev-2", claimed_until=later(30))])
    assert await storage.registrations.claim_next(now=later(0), claimed_until=later(30)) == record("dev-1")
    assert await storage.registrations.claim_next(now=later(0), claimed_until=later(30)) is None


@on_storage
async def test_a_claim_of_a_node_whose_clock_is_a_little_ahead_holds(storage: Store) -> None:
    await storage.apply([put_record("dev-1", claimed_until=later(60))])
    assert await storage.registrations.claim_next(now=later(0), claimed_until=later(30)) is None
