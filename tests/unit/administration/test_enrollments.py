"""Individual enrollments: every verb, against the real SQL."""

import base64

import pytest
from tests.unit.administration.world import (
    HUB,
    ME,
    PRIMARY,
    SECONDARY,
    STALE,
    World,
    in_world,
    individual,
    keys,
    refused,
)

from homeport import errors
from homeport.administration.preconditions import PutCondition
from homeport.model.bulk import BulkMode, BulkOperation
from homeport.model.events import EntryChanged
from homeport.model.identifiers import ANY_ETAG, ETag, RegistrationId
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable

ID = RegistrationId("Device-1")
CREATE = PutCondition()
OVERWRITE = PutCondition(if_match=ANY_ETAG)


@in_world
async def test_a_created_enrollment_has_etag_times_and_two_fresh_keys(world: World) -> None:
    created, events = await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    own = created.attestation.symmetric_key
    assert own is not None
    assert own.primary_key is not None
    assert own.secondary_key is not None
    assert own.primary_key != own.secondary_key
    assert len(base64.b64decode(own.primary_key)) == 64
    assert created.etag is not None
    assert created.etag.startswith('"')
    assert created.created_date_time_utc == created.last_updated_date_time_utc == world.clock.now()
    assert [event.kind for event in events if isinstance(event, EntryChanged)] == ["EnrollmentCreated"]


@in_world
async def test_own_keys_are_kept_as_they_came(world: World) -> None:
    sent = individual(attestation=keys(PRIMARY, SECONDARY))
    created, _ = await world.enrollments.put(world.service_id, sent, condition=CREATE, actor=ME)
    assert created.attestation == keys(PRIMARY, SECONDARY)


@in_world
async def test_reading_hides_the_keys_and_attestation_shows_them(world: World) -> None:
    created, _ = await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    shown, _ = await world.enrollments.show(world.service_id, ID)
    page, _ = await world.enrollments.page(world.service_id, after="", limit=10)
    mechanism, _ = await world.enrollments.attestation(world.service_id, ID, actor=ME)
    assert shown.attestation.symmetric_key is None
    assert page.items[0].attestation.symmetric_key is None
    assert mechanism == created.attestation


@in_world
async def test_showing_brings_the_registration_state(world: World) -> None:
    await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    before, _ = await world.enrollments.show(world.service_id, ID)
    await world.record("device-1")
    after, _ = await world.enrollments.show(world.service_id, ID)
    assert before.registration_state is None
    assert after.registration_state is not None
    assert after.registration_state.assigned_hub == HUB


@in_world
async def test_an_identifier_is_found_in_any_case(world: World) -> None:
    await world.enrollments.put(world.service_id, individual("DEVICE-1"), condition=CREATE, actor=ME)
    shown, _ = await world.enrollments.show(world.service_id, RegistrationId("device-1"))
    assert shown.registration_id == "DEVICE-1"
    with refused(errors.ALREADY_EXISTS):
        await world.enrollments.put(world.service_id, individual("device-1"), condition=CREATE, actor=ME)


@in_world
async def test_an_update_keeps_creation_time_and_keys_that_it_leaves_out(world: World) -> None:
    first, _ = await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    world.clock.advance(60)
    shown, _ = await world.enrollments.show(world.service_id, ID)
    condition = PutCondition(if_match=ETag(first.etag or ""))
    second, events = await world.enrollments.put(world.service_id, shown, condition=condition, actor=ME)
    assert second.attestation == first.attestation
    assert second.created_date_time_utc == first.created_date_time_utc
    assert second.last_updated_date_time_utc == world.clock.now()
    assert second.etag != first.etag
    assert [event.kind for event in events if isinstance(event, EntryChanged)] == ["EnrollmentUpdated"]


@in_world
async def test_an_update_may_replace_one_key_alone(world: World) -> None:
    sent = individual(attestation=keys(PRIMARY, PRIMARY))
    await world.enrollments.put(world.service_id, sent, condition=CREATE, actor=ME)
    rolled = individual(attestation=keys(None, SECONDARY))
    updated, _ = await world.enrollments.put(world.service_id, rolled, condition=OVERWRITE, actor=ME)
    assert updated.attestation == keys(PRIMARY, SECONDARY)


@in_world
async def test_conditions_of_a_put(world: World) -> None:
    stale = PutCondition(if_match=STALE)
    with refused(errors.ETAG_MISMATCH):
        await world.enrollments.put(world.service_id, individual(), condition=stale, actor=ME)
    await world.enrollments.put(world.service_id, individual(), condition=OVERWRITE, actor=ME)
    with refused(errors.ALREADY_EXISTS):
        await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    with refused(errors.ETAG_MISMATCH):
        await world.enrollments.put(world.service_id, individual(), condition=stale, actor=ME)
    await world.enrollments.put(world.service_id, individual(), condition=OVERWRITE, actor=ME)


@in_world
async def test_what_a_client_says_of_the_registration_is_not_stored(world: World) -> None:
    await world.record("Device-1")
    sent = individual()
    await world.enrollments.put(world.service_id, sent, condition=CREATE, actor=ME)
    shown, _ = await world.enrollments.show(world.service_id, ID)
    again, _ = await world.enrollments.put(world.service_id, shown, condition=OVERWRITE, actor=ME)
    assert again.registration_state is None
    stored = await world.storage.enrollments.individual(world.service_id, ID)
    assert stored is not None
    assert stored.registration_state is None


@in_world
async def test_bad_identifiers_are_refused(world: World) -> None:
    for sent in (individual("has space"), individual("ends-in-dot."), individual(device_id="no/slash")):
        with refused(errors.INVALID_IDENTIFIER):
            await world.enrollments.put(world.service_id, sent, condition=CREATE, actor=ME)


@in_world
async def test_hubs_must_be_linked(world: World) -> None:
    with refused(errors.INVALID_BODY):
        await world.enrollments.put(world.service_id, individual(iot_hubs=("x.test",)), condition=CREATE, actor=ME)
    sent = individual(iot_hubs=(HUB.upper(),))
    created, _ = await world.enrollments.put(world.service_id, sent, condition=CREATE, actor=ME)
    assert created.iot_hubs == (HUB,)


@in_world
async def test_deleting_takes_the_record_along(world: World) -> None:
    await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    await world.record("device-1")
    _, events = await world.enrollments.delete(world.service_id, ID, actor=ME)
    assert await world.storage.registrations.record(world.service_id, ID) is None
    assert [event.kind for event in events if isinstance(event, EntryChanged)] == ["EnrollmentDeleted"]
    with refused(errors.ENROLLMENT_NOT_FOUND):
        await world.enrollments.show(world.service_id, ID)


@in_world
async def test_deleting_can_keep_the_record(world: World) -> None:
    await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    await world.record("device-1")
    await world.enrollments.delete(world.service_id, ID, keep_records=True, actor=ME)
    assert await world.storage.registrations.record(world.service_id, ID) is not None


@in_world
async def test_conditions_of_a_deletion(world: World) -> None:
    with refused(errors.ENROLLMENT_NOT_FOUND):
        await world.enrollments.delete(world.service_id, ID, if_match=ANY_ETAG, actor=ME)
    await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    with refused(errors.ETAG_MISMATCH):
        await world.enrollments.delete(world.service_id, ID, if_match=STALE, actor=ME)
    await world.enrollments.delete(world.service_id, ID, if_match=ANY_ETAG, actor=ME)


@in_world
async def test_pages_follow_each_other_without_gap(world: World) -> None:
    for name in ("c", "A", "b", "E", "d"):
        await world.enrollments.put(world.service_id, individual(name), condition=CREATE, actor=ME)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page, _ = await world.enrollments.page(world.service_id, after=after, limit=2)
        seen += [entry.registration_id for entry in page.items]
        after = page.next_after
    assert seen == ["A", "b", "c", "d", "E"]


@in_world
async def test_the_audit_log_speaks_of_the_device_by_its_subject_key(world: World) -> None:
    await world.enrollments.put(world.service_id, individual("secret-name"), condition=CREATE, actor=ME)
    await world.enrollments.attestation(world.service_id, RegistrationId("SECRET-name"), actor=ME)
    await world.enrollments.delete(world.service_id, RegistrationId("secret-name"), actor=ME)
    subject = await world.storage.audit.subject_key(world.service_id, "secret-name")
    entries = [entry for entry in await world.audit() if entry["actor"] == ME]
    assert [entry["kind"] for entry in entries] == ["EnrollmentCreated", "EnrollmentKeysRead", "EnrollmentDeleted"]
    assert {entry["subject_key"] for entry in entries} == {subject}
    assert "secret-name" not in str(entries).lower()


@in_world
async def test_a_known_subject_keeps_its_key(world: World) -> None:
    record = await world.record("Device-1")
    _, events = await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    assert events[0].subject_key == record.subject_key


@in_world
async def test_what_changed_meanwhile_is_read_again(world: World) -> None:
    """Another writer creates the entry between our read and our write: then it is no creation any more."""
    apply = world.storage.apply
    interlopers = [individual()]

    async def apply_after_another(changes: object) -> None:
        if interlopers:
            await world.enrollments.put(world.service_id, interlopers.pop(), condition=CREATE, actor="other")
        await apply(changes)  # type: ignore[arg-type]

    world.storage.apply = apply_after_another  # type: ignore[method-assign]
    with refused(errors.ALREADY_EXISTS):
        await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)


@in_world
async def test_endless_contention_is_unavailable(world: World) -> None:
    async def fail(_changes: object) -> None:
        raise ChangedMeanwhile

    world.storage.apply = fail  # type: ignore[method-assign]
    with refused(errors.UNAVAILABLE):
        await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)


@in_world
async def test_lost_storage_is_an_error_of_each_entry_of_a_bulk(world: World) -> None:
    async def fail(_changes: object) -> None:
        raise StorageUnavailable

    world.storage.apply = fail  # type: ignore[method-assign]
    with pytest.raises(StorageUnavailable):
        await world.enrollments.put(world.service_id, individual(), condition=CREATE, actor=ME)
    operation = BulkOperation(mode=BulkMode.CREATE, entries=(individual("a"), individual("b")))
    result, _ = await world.enrollments.bulk(world.service_id, operation, actor=ME)
    assert [error.error_code for error in result.errors] == [errors.UNAVAILABLE.code] * 2


@in_world
async def test_bulk_runs_each_entry_on_its_own(world: World) -> None:
    await world.enrollments.put(world.service_id, individual("b"), condition=CREATE, actor=ME)
    entries = tuple(individual(name) for name in ("a", "b", "c", "bad id"))
    operation = BulkOperation(mode=BulkMode.CREATE, entries=entries)
    result, events = await world.enrollments.bulk(world.service_id, operation, actor=ME)
    assert not result.is_successful
    assert [(error.registration_id, error.error_code) for error in result.errors] == [
        ("b", errors.ALREADY_EXISTS.code),
        ("bad id", errors.INVALID_IDENTIFIER.code),
    ]
    assert len(events) == 2


@in_world
async def test_bulk_updates_and_deletes(world: World) -> None:
    created, _ = await world.enrollments.put(world.service_id, individual("a"), condition=CREATE, actor=ME)

    async def codes(operation: BulkOperation) -> list[int]:
        result, _ = await world.enrollments.bulk(world.service_id, operation, actor=ME)
        return [error.error_code for error in result.errors]

    by_etag = BulkMode.UPDATE_IF_MATCH_ETAG
    current = individual("a", etag=created.etag)
    assert await codes(BulkOperation(mode=by_etag, entries=(current,))) == []
    assert await codes(BulkOperation(mode=by_etag, entries=(current,))) == [errors.ETAG_MISMATCH.code]
    assert await codes(BulkOperation(mode=by_etag, entries=(individual("a"),))) == [errors.INVALID_BODY.code]
    update = BulkOperation(mode=BulkMode.UPDATE, entries=(individual("a"), individual("absent")))
    assert await codes(update) == [errors.ENROLLMENT_NOT_FOUND.code]
    delete = BulkOperation(mode=BulkMode.DELETE, removals=("A", "absent", "bad id"))
    assert await codes(delete) == [errors.ENROLLMENT_NOT_FOUND.code, errors.INVALID_IDENTIFIER.code]
