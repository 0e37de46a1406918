"""The four things that a device can ask: what it reads, what is written, what is reported."""

import asyncio

import msgspec
import pytest
from tests.throttles import throttle
from tests.unit.administration.world import HUB, SECONDARY, refused
from tests.unit.provisioning.floor import FAR, ID, Floor, ScriptedHub, on_floor, status

from homeport import errors
from homeport.endpoints.throttling import ThrottleRates
from homeport.endpoints.token_buckets import Rate
from homeport.errors import HomeportError
from homeport.hubs.port import HubUnavailable
from homeport.model.attestation import AttestationType, AttestedIdentity
from homeport.model.enrollment import InitialTwin, InitialTwinProperties, ProvisioningStatus
from homeport.model.events import AttestationAttempted, DeviceAssigned, RegistrationAttempted
from homeport.model.identifiers import DeviceId, OperationId, RegistrationId
from homeport.model.registration import DeviceRegistrationResult, RegistrationStatus, Substatus
from homeport.provisioning.registration import RegistrationService
from homeport.storage.changes import ChangedMeanwhile

DISABLED = ProvisioningStatus.DISABLED


async def _always_changed(_changes: object) -> None:
    raise ChangedMeanwhile


async def attested(floor: Floor) -> AttestedIdentity:
    identity, _ = await floor.registrations.attest(
        id_scope=floor.id_scope, registration_id=ID, credential=floor.proof()
    )
    return identity


@on_floor
async def test_register_is_answered_as_open_although_the_result_is_ready(floor: Floor) -> None:
    await floor.enroll()
    answer, _ = await floor.register()
    body = status(answer)
    assert (body.status, body.registration_state, answer.retry_after) == (RegistrationStatus.ASSIGNING, None, 1)
    assert (await floor.record()).status is RegistrationStatus.ASSIGNED


@on_floor
async def test_the_first_poll_has_the_result(floor: Floor) -> None:
    await floor.enroll()
    answer, _ = await floor.register()
    poll = await floor.poll(status(answer).operation_id)
    result = status(poll).registration_state
    assert poll.retry_after is None
    assert isinstance(result, DeviceRegistrationResult)
    assert (result.status, result.assigned_hub, result.device_id, result.substatus) == (
        RegistrationStatus.ASSIGNED,
        HUB,
        ID,
        Substatus.INITIAL_ASSIGNMENT,
    )
    assert result.created_date_time_utc == floor.world.clock.now()


@on_floor
async def test_the_hub_knows_the_device_with_its_keys_and_initial_twin(floor: Floor) -> None:
    twin = InitialTwin(tags={"site": "a"}, properties=InitialTwinProperties(desired={"rate": 5}))
    await floor.enroll(device_id="At.The.Hub", initial_twin=twin)
    await floor.register()
    (hub,) = await floor.world.storage.settings.linked_hubs(floor.world.service_id)
    device, stored = await floor.embedded.twins.show(hub, DeviceId("At.The.Hub"))
    assert device.secondary_key == SECONDARY
    assert (stored.tags, stored.desired) == ({"site": "a"}, {"rate": 5})
    assert (await floor.record()).device_id == "At.The.Hub"


@on_floor
async def test_registering_again_gives_a_new_operation_and_the_same_place(floor: Floor) -> None:
    await floor.enroll()
    first, _ = await floor.register()
    before = await floor.record()
    floor.world.clock.advance(60)
    second, _ = await floor.register(proof=floor.proof(key=SECONDARY))
    after = await floor.record()
    assert status(first).operation_id != status(second).operation_id
    assert (after.assigned_hub, after.device_id, after.substatus) == (HUB, ID, Substatus.INITIAL_ASSIGNMENT)
    assert (after.created_at, after.subject_key) == (before.created_at, before.subject_key)
    assert after.updated_at > before.updated_at


@on_floor
async def test_case_makes_no_second_device(floor: Floor) -> None:
    await floor.enroll("Device-1")
    await floor.register("Device-1")
    first = await floor.record()
    await floor.register("DEVICE-1", floor.proof("DEVICE-1"))
    again = await floor.record()
    assert (again.subject_key, again.device_id) == (first.subject_key, "Device-1")


@on_floor
async def test_a_member_of_a_group_names_it(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    proof = floor.proof("cell-7", member=True)
    answer, _ = await floor.register("cell-7", proof)
    result = status(await floor.poll(status(answer).operation_id, "cell-7", proof)).registration_state
    assert isinstance(result, DeviceRegistrationResult)
    assert result.symmetric_key is not None
    assert result.symmetric_key.enrollment_group_id == "Line-1"


@on_floor
async def test_a_payload_is_kept(floor: Floor) -> None:
    await floor.enroll()
    await floor.register(payload=b'{"model":"m1"}')
    assert (await floor.record()).payload == b'{"model":"m1"}'


@on_floor
async def test_one_assignment_makes_three_events_and_one_audit_entry(floor: Floor) -> None:
    await floor.enroll()
    earlier = len(await floor.world.audit())
    _, events = await floor.register()
    subject = (await floor.record()).subject_key
    assert [type(event) for event in events] == [AttestationAttempted, RegistrationAttempted, DeviceAssigned]
    assert {event.subject_key for event in events} == {subject}
    (entry,) = (await floor.world.audit())[earlier:]
    assert (entry["kind"], entry["actor"], entry["subject_key"]) == ("RegistrationAttempted", "device", subject)
    assert entry["detail"] == {"status": "assigned", "hub": HUB, "substatus": "initialAssignment"}
    assert ID not in msgspec.json.encode(entry).decode()


@on_floor
async def test_a_carried_identity_is_not_counted_as_an_attestation_again(floor: Floor) -> None:
    await floor.enroll()
    _, events = await floor.register(proof=await attested(floor))
    assert [type(event) for event in events] == [RegistrationAttempted, DeviceAssigned]


@on_floor
async def test_attest_returns_the_identity_and_writes_nothing(floor: Floor) -> None:
    await floor.enroll()
    identity, events = await floor.registrations.attest(
        id_scope=floor.id_scope, registration_id=ID, credential=floor.proof()
    )
    assert (identity.registration_id, identity.attestation_type) == (ID, AttestationType.SYMMETRIC_KEY)
    assert [type(event) for event in events] == [AttestationAttempted]
    assert await floor.world.storage.registrations.record(floor.world.service_id, ID) is None


@on_floor
async def test_concurrent_registers_of_one_device_return_one_operation(floor: Floor) -> None:
    hub = await floor.link()
    await floor.enroll(iot_hubs=(FAR,))
    answers = await asyncio.gather(*(floor.register() for _ in range(10)))
    assert {status(answer).operation_id for answer, _ in answers} == {(await floor.record()).operation_id}
    registered = [event for _, events in answers for event in events if isinstance(event, RegistrationAttempted)]
    assert (len(registered), len(hub.plans)) == (1, 1)


@on_floor
async def test_concurrent_registers_of_one_device_share_a_refusal(floor: Floor) -> None:
    await floor.enroll()
    floor.world.storage.apply = _always_changed  # type: ignore[method-assign]
    outcomes = await asyncio.gather(*(floor.register() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(each, HomeportError) and each.row is errors.PRECONDITION_CONFLICT for each in outcomes)


@on_floor
async def test_a_caller_that_leaves_takes_nobody_elses_operation_along(floor: Floor) -> None:
    reached, answered = asyncio.Event(), asyncio.Event()

    async def meanwhile() -> None:
        reached.set()
        await answered.wait()

    await floor.link(FAR, ScriptedHub(meanwhile=meanwhile))
    await floor.enroll(iot_hubs=(FAR,))
    first = asyncio.ensure_future(floor.register())
    await reached.wait()
    second = asyncio.ensure_future(floor.register())
    await asyncio.sleep(0)
    first.cancel()
    answered.set()
    answer, _ = await second
    record = await floor.record()
    assert (record.status, record.operation_id) == (RegistrationStatus.ASSIGNED, status(answer).operation_id)
    assert first.cancelled()


@on_floor
async def test_concurrent_registers_on_several_processes_return_one_operation(floor: Floor) -> None:
    """All of them have read before the first one writes."""
    hub = await floor.link(FAR, ScriptedHub(meanwhile=asyncio.Barrier(4).wait))
    await floor.enroll(iot_hubs=(FAR,))
    answers = await asyncio.gather(*(floor.restarted().register() for _ in range(4)))
    assert {status(answer).operation_id for answer, _ in answers} == {(await floor.record()).operation_id}
    registered = [event for _, events in answers for event in events if isinstance(event, RegistrationAttempted)]
    assert (len(registered), len(hub.plans)) == (1, 4)


@on_floor
async def test_a_known_device_on_several_processes_gets_one_new_operation(floor: Floor) -> None:
    hub = await floor.link()
    await floor.enroll(iot_hubs=(FAR,))
    earlier, _ = await floor.register()
    hub.meanwhile = asyncio.Barrier(4).wait
    answers = await asyncio.gather(*(floor.restarted().register() for _ in range(4)))
    operations = {status(answer).operation_id for answer, _ in answers}
    assert operations == {(await floor.record()).operation_id}
    assert status(earlier).operation_id not in operations


@on_floor
async def test_register_while_assigning_returns_the_same_operation(floor: Floor) -> None:
    await floor.link(FAR, ScriptedHub(problem=HubUnavailable("down")))
    await floor.enroll(iot_hubs=(FAR,))
    first, _ = await floor.register()
    second, events = await floor.register()
    assert status(first).operation_id == status(second).operation_id
    assert [type(event) for event in events] == [AttestationAttempted]
    poll = await floor.poll(status(first).operation_id)
    assert (status(poll).status, poll.retry_after) == (RegistrationStatus.ASSIGNING, 3)


@on_floor
async def test_a_record_that_keeps_changing_ends_in_a_conflict_to_repeat(floor: Floor) -> None:
    await floor.enroll()
    floor.world.storage.apply = _always_changed  # type: ignore[method-assign]
    with refused(errors.PRECONDITION_CONFLICT):
        await floor.register()


@on_floor
async def test_a_foreign_operation_is_not_shown(floor: Floor) -> None:
    await floor.enroll("one")
    await floor.enroll("other")
    answer, _ = await floor.register("one")
    await floor.register("other")
    with refused(errors.OPERATION_NOT_FOUND):
        await floor.poll(status(answer).operation_id, "other")


@on_floor
async def test_an_operation_of_a_device_that_never_registered_is_not_found(floor: Floor) -> None:
    await floor.enroll()
    with refused(errors.OPERATION_NOT_FOUND):
        await floor.poll("5.0.0")


@on_floor
async def test_registration_status_is_the_last_result(floor: Floor) -> None:
    await floor.enroll()
    parts = {"id_scope": floor.id_scope, "registration_id": ID, "proof": floor.proof()}
    with refused(errors.REGISTRATION_NOT_FOUND):
        await floor.registrations.registration_status(**parts)
    await floor.register()
    answer, events = await floor.registrations.registration_status(**parts)
    assert isinstance(answer.body, DeviceRegistrationResult)
    assert (answer.body.assigned_hub, answer.retry_after, tuple(events)) == (HUB, None, ())


@on_floor
async def test_a_disabled_entry_is_refused_and_its_record_written_once(floor: Floor) -> None:
    await floor.enroll(provisioning_status=DISABLED)
    with refused(errors.ENROLLMENT_DISABLED) as refusal:
        await floor.register()
    record, entries = await floor.record(), len(await floor.world.audit())
    assert (record.status, record.error_code, record.assigned_hub) == (RegistrationStatus.DISABLED, 401003, None)
    assert refusal.value.cause == "disabled"
    assert refusal.value.subject == (await floor.record()).subject_key
    for _ in range(3):
        with refused(errors.ENROLLMENT_DISABLED):
            await floor.register()
    assert await floor.record() == record
    assert len(await floor.world.audit()) == entries


@on_floor
async def test_the_refusal_of_a_known_device_names_its_subject(floor: Floor) -> None:
    await floor.enroll()
    await floor.register()
    await floor.enroll(provisioning_status=DISABLED)
    with refused(errors.ENROLLMENT_DISABLED) as refusal:
        await floor.register()
    assert refusal.value.subject == (await floor.record()).subject_key


@on_floor
async def test_a_carried_identity_does_not_outlive_its_entry(floor: Floor) -> None:
    await floor.enroll()
    identity = await attested(floor)
    await floor.enroll(provisioning_status=DISABLED)
    with refused(errors.ENROLLMENT_DISABLED):
        await floor.register(proof=identity)


@on_floor
async def test_an_enabled_entry_brings_its_device_back_to_the_same_hub(floor: Floor) -> None:
    await floor.enroll()
    await floor.register()
    await floor.enroll(provisioning_status=DISABLED)
    with refused(errors.ENROLLMENT_DISABLED):
        await floor.register()
    assert (await floor.record()).status is RegistrationStatus.DISABLED
    await floor.enroll()
    await floor.register()
    record = await floor.record()
    assert (record.status, record.assigned_hub, record.error_code) == (RegistrationStatus.ASSIGNED, HUB, None)


@on_floor
async def test_the_disabled_record_yields_to_whoever_was_faster(floor: Floor) -> None:
    await floor.enroll(provisioning_status=DISABLED)
    refusals = await asyncio.gather(*(floor.register() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(each, HomeportError) and each.row is errors.ENROLLMENT_DISABLED for each in refusals)
    assert (await floor.record()).status is RegistrationStatus.DISABLED


@on_floor
async def test_a_wrong_key_writes_nothing(floor: Floor) -> None:
    await floor.enroll()
    entries = len(await floor.world.audit())
    with refused(errors.ATTESTATION_FAILED):
        await floor.register(proof=floor.proof(key="d3Jvbmcta2V5LW9mLTE2LWJ5dGVz"))
    assert await floor.world.storage.registrations.record(floor.world.service_id, ID) is None
    assert len(await floor.world.audit()) == entries


@on_floor
async def test_every_question_checks_the_proof(floor: Floor) -> None:
    await floor.enroll()
    parts = {
        "id_scope": floor.id_scope,
        "registration_id": RegistrationId(ID),
        "proof": floor.proof(lifetime=-1),
    }
    service = floor.registrations
    for question in (
        service.register(**parts, payload=None),
        service.operation_status(**parts, operation_id=OperationId("5.0.0")),
        service.registration_status(**parts),
    ):
        with pytest.raises(HomeportError) as refusal:
            await question
        assert refusal.value.cause == "sas_expired"


# --- limits ---------------------------------------------------------------------------------------------------


def limit(floor: Floor, **rates: Rate) -> None:
    """The floor's service, with limits."""
    floor.registrations = RegistrationService(
        floor.world.storage,
        floor.admission,
        floor.assigner,
        clock=floor.world.clock,
        randomness=floor.world.randomness,
        throttle=throttle(ThrottleRates(**rates)),
    )


@on_floor
async def test_a_device_that_registers_too_often(floor: Floor) -> None:
    await floor.enroll()
    limit(floor, registrations_of_device=Rate(2, 60))
    for _ in range(2):
        await floor.register()
    before = await floor.record()
    with refused(errors.THROTTLED) as refusal:
        await floor.register()
    assert 30 <= (refusal.value.retry_after or 0) <= 34
    assert await floor.record() == before


@on_floor
async def test_a_group_whose_devices_register_too_often(floor: Floor) -> None:
    await floor.enroll_group("line-1")
    limit(floor, registrations_of_group=Rate(2, 60))
    for device in ("a", "b"):
        await floor.register(device, proof=floor.proof(device, member=True))
    with refused(errors.THROTTLED):
        await floor.register("c", proof=floor.proof("c", member=True))


@on_floor
async def test_a_stranger_cannot_use_up_what_is_a_devices(floor: Floor) -> None:
    await floor.enroll()
    limit(floor, registrations_of_device=Rate(1, 60), polls_of_device=Rate(1, 10), registrations=Rate(1, 60))
    stranger = floor.proof(key="d3Jvbmcta2V5LW9mLTE2LWJ5dGVz")
    for _ in range(10):
        with refused(errors.ATTESTATION_FAILED):
            await floor.register(proof=stranger)
        with refused(errors.ATTESTATION_FAILED):
            await floor.poll(OperationId("4.x.y"), proof=stranger)
    answer, _ = await floor.register()
    await floor.poll(status(answer).operation_id)


@on_floor
async def test_a_device_that_polls_too_often(floor: Floor) -> None:
    await floor.enroll()
    limit(floor, polls_of_device=Rate(2, 10), registrations_of_device=Rate(1, 60))
    answer, _ = await floor.register()
    await floor.poll(status(answer).operation_id)
    await floor.registrations.registration_status(id_scope=floor.id_scope, registration_id=ID, proof=floor.proof())
    with refused(errors.THROTTLED) as refusal:
        await floor.poll(status(answer).operation_id)
    assert 5 <= (refusal.value.retry_after or 0) <= 7
