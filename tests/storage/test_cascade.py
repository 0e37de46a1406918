"""What goes with a deleted enrollment or group, what stays, and how a large group is worked off."""

import pytest
from tests.storage.material import (
    NOW,
    SERVICE,
    later,
    on_storage,
    put_group,
    put_individual,
    put_record,
)

from homeport.model.identifiers import EnrollmentGroupId, ETag, RegistrationId
from homeport.storage.change_steps import PURGE_BATCH
from homeport.storage.changes import (
    Change,
    ChangedMeanwhile,
    DeleteEnrollmentGroup,
    DeleteIndividualEnrollment,
)
from homeport.storage.store import Store

DEVICE = RegistrationId("dev-1")
GROUP = EnrollmentGroupId("group-1")


def delete_individual(*, etag: str = "1", keep_records: bool = False) -> DeleteIndividualEnrollment:
    return DeleteIndividualEnrollment(
        service_id=SERVICE, registration_id=DEVICE, expected=ETag(etag), keep_records=keep_records
    )


def delete_group(*, etag: str = "1", keep_records: bool = False) -> DeleteEnrollmentGroup:
    return DeleteEnrollmentGroup(
        service_id=SERVICE,
        enrollment_group_id=GROUP,
        expected=ETag(etag),
        deleted_at=NOW,
        keep_records=keep_records,
    )


def members(count: int) -> list[Change]:
    return [put_record(f"member-{number:05d}", group_id=GROUP) for number in range(count)]


async def remaining(storage: Store) -> list[str]:
    records = await storage.registrations.of_group(SERVICE, GROUP, after="", limit=10_000)
    return [record.registration_id for record in records]


@on_storage
async def test_the_record_goes_with_the_individual_enrollment(storage: Store) -> None:
    await storage.apply([put_individual("Dev-1"), put_record("Dev-1", claimed_until=later(0))])
    await storage.apply([delete_individual()])
    assert await storage.enrollments.individual(SERVICE, DEVICE) is None
    assert await storage.registrations.record(SERVICE, DEVICE) is None
    assert await storage.registrations.claim_next(now=later(1), claimed_until=later(2)) is None


@on_storage
async def test_a_record_that_came_through_a_group_outlives_the_individual_enrollment(storage: Store) -> None:
    await storage.apply([put_individual("dev-1"), put_record("dev-1", group_id=GROUP)])
    await storage.apply([delete_individual()])
    assert await storage.registrations.record(SERVICE, DEVICE) is not None


@on_storage
async def test_records_are_kept_when_asked_for(storage: Store) -> None:
    await storage.apply([put_individual("dev-1"), put_record("dev-1"), put_group("group-1"), *members(2)])
    await storage.apply([delete_individual(keep_records=True), delete_group(keep_records=True)])
    assert await storage.registrations.record(SERVICE, DEVICE) is not None
    assert len(await remaining(storage)) == 2
    assert not await storage.purge_next()


@on_storage
async def test_a_stale_etag_deletes_nothing(storage: Store) -> None:
    await storage.apply([put_individual("dev-1"), put_record("dev-1"), put_group("group-1"), *members(2)])
    for stale in (delete_individual(etag="0"), delete_group(etag="0")):
        with pytest.raises(ChangedMeanwhile):
            await storage.apply([stale])
    assert await storage.registrations.record(SERVICE, DEVICE) is not None
    assert len(await remaining(storage)) == 2


@on_storage
async def test_a_small_groups_records_go_at_once_and_no_others(storage: Store) -> None:
    await storage.apply([put_group("Group-1"), *members(3), put_record("x", group_id="group-2"), put_record("y")])
    await storage.apply([delete_group()])
    assert await storage.enrollments.group(SERVICE, GROUP) is None
    assert await remaining(storage) == []
    assert await storage.registrations.record(SERVICE, RegistrationId("x")) is not None
    assert await storage.registrations.record(SERVICE, RegistrationId("y")) is not None
    assert not await storage.purge_next()


@on_storage
async def test_a_large_groups_records_are_worked_off_in_batches(storage: Store) -> None:
    await storage.apply([put_group("group-1"), *members(2 * PURGE_BATCH + 1)])
    await storage.apply([delete_group()])
    assert len(await remaining(storage)) == PURGE_BATCH + 1
    assert await storage.purge_next()
    assert len(await remaining(storage)) == 1
    assert await storage.purge_next()
    assert await remaining(storage) == []
    assert not await storage.purge_next()


@on_storage
async def test_a_group_of_exactly_one_batch_leaves_nothing_behind(storage: Store) -> None:
    await storage.apply([put_group("group-1"), *members(PURGE_BATCH)])
    await storage.apply([delete_group()])
    assert await remaining(storage) == []
    assert await storage.purge_next()
    assert not await storage.purge_next()


@on_storage
async def test_what_a_group_of_the_same_name_made_later_is_spared(storage: Store) -> None:
    await storage.apply([put_group("group-1"), *members(PURGE_BATCH + 2)])
    await storage.apply([delete_group()])
    reborn = f"member-{PURGE_BATCH + 1:05d}"
    again = put_record(reborn, "2", expected="1", group_id=GROUP, updated_at=later(1))
    await storage.apply([put_group("group-1", "2"), again])
    while await storage.purge_next():
        pass
    assert await remaining(storage) == [reborn]


@on_storage
async def test_every_change_of_a_group_raises_the_groups_version(storage: Store) -> None:
    versions = []
    for change in (put_group("group-1"), put_group("group-1", "2", expected="1"), delete_group(etag="2")):
        await storage.apply([change])
        versions.append((await storage.registrations.context(SERVICE, DEVICE)).groups_version)
    assert versions == [1, 2, 3]
