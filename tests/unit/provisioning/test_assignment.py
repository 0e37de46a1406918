"""The doing: the fast path and its budget, the worker after a slow hub and after a crash, moving between hubs."""

import asyncio

import pytest
from tests.pki import make_self_signed
from tests.unit.administration.world import HUB, ME, PRIMARY, SECONDARY
from tests.unit.hubs.site import Connection
from tests.unit.provisioning.certified import store_individual, x509_mechanism
from tests.unit.provisioning.floor import (
    AFTER_CLAIM,
    FAR,
    FARTHER,
    ID,
    Floor,
    MigratingHub,
    ScriptedHub,
    on_floor,
    status,
)

from homeport import errors
from homeport.errors import HomeportError
from homeport.hubs.port import HubRefused, HubUnavailable
from homeport.model.attestation import PresentedCredential, SymmetricKeyCredential
from homeport.model.enrollment import (
    DeviceCapabilities,
    InitialTwin,
    InitialTwinProperties,
    ProvisioningStatus,
    ReprovisionPolicy,
)
from homeport.model.events import DeviceAssigned, RegistrationAttempted
from homeport.model.identifiers import ANY_ETAG, DeviceId
from homeport.model.registration import RegistrationStatus, Substatus
from homeport.protocols.conversation import Displaced, HubSession, OpenHubSession
from homeport.provisioning.assignment import CLAIM, PATIENCE
from homeport.security.sas import decode_key, sign_sas_token

ASSIGNING, ASSIGNED, FAILED = RegistrationStatus.ASSIGNING, RegistrationStatus.ASSIGNED, RegistrationStatus.FAILED
TWIN = InitialTwin(tags={"site": "a"}, properties=InitialTwinProperties(desired={"rate": 5}))
DOWN = HubUnavailable("down")


async def settled(floor: Floor) -> int:
    """Let the worker work until it finds nothing to do; how many operations it took."""
    for steps in range(20):
        if not (await floor.worker.run_once())[0]:
            return steps
    raise AssertionError("the worker takes the same operation again and again")


@on_floor
async def test_a_hub_is_told_everything_that_the_entry_says(floor: Floor) -> None:
    hub = await floor.link()
    capabilities = DeviceCapabilities(iot_edge=True)
    await floor.enroll(iot_hubs=(FAR,), device_id="at-hub", initial_twin=TWIN, capabilities=capabilities)
    answer, _ = await floor.register()
    (plan,) = hub.plans
    assert (plan.hub_host_name, plan.device_id, plan.operation_id) == (FAR, "at-hub", status(answer).operation_id)
    assert plan.credential == SymmetricKeyCredential(primary_key=PRIMARY, secondary_key=SECONDARY)
    assert (plan.initial_twin, plan.capabilities, plan.reset_twin) == (TWIN, capabilities, False)
    assert plan.subject_key == (await floor.record()).subject_key


@on_floor
async def test_a_hub_slower_than_the_budget_leaves_the_operation_open(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(meanwhile=asyncio.Event().wait))
    await floor.enroll(iot_hubs=(FAR,))
    hurried = floor.restarted(budget=0.01)
    answer, events = await hurried.register()
    assert (await floor.record()).status is ASSIGNING
    assert answer.retry_after == 3
    assert [event.status for event in events if isinstance(event, RegistrationAttempted)] == ["assigning"]
    hub.meanwhile = None
    worked, events = await floor.worker.run_once()
    assert worked
    assert [type(event) for event in events] == [RegistrationAttempted, DeviceAssigned]
    poll = status(await floor.poll(status(answer).operation_id))
    assert poll.registration_state is not None
    assert (poll.status, poll.registration_state.assigned_hub) == (ASSIGNED, FAR)
    assert [plan.operation_id for plan in hub.plans] == [status(answer).operation_id]


def test_a_workers_patience_ends_before_its_claim() -> None:
    assert CLAIM.total_seconds() > PATIENCE


@on_floor
async def test_a_hub_that_is_down_is_tried_again_when_the_claim_has_run_out(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=DOWN))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    assert await settled(floor) == 1
    assert (await floor.record()).status is ASSIGNING
    hub.problem = None
    assert await settled(floor) == 0
    floor.world.clock.time += AFTER_CLAIM
    assert await settled(floor) == 1
    assert (await floor.record()).assigned_hub == FAR


@on_floor
async def test_after_a_crash_another_process_finishes_what_was_claimed(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=DOWN))
    await floor.enroll(iot_hubs=(FAR,))
    answer, _ = await floor.register()
    now = floor.world.clock.now()
    claimed = await floor.world.storage.registrations.claim_next(now=now, claimed_until=now + CLAIM)
    assert claimed is not None
    hub.problem = None
    successor = floor.restarted()
    assert await settled(successor) == 0
    floor.world.clock.time += AFTER_CLAIM
    assert await settled(successor) == 1
    record = await floor.record()
    assert (record.status, record.operation_id) == (ASSIGNED, status(answer).operation_id)


@on_floor
async def test_a_crash_between_hub_and_write_is_repaired_by_the_same_operation(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=DOWN))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    hub.problem = None
    apply, floor.world.storage.apply = floor.world.storage.apply, _crashing  # type: ignore[method-assign]
    with pytest.raises(ConnectionAbortedError):
        await floor.worker.run_once()
    floor.world.storage.apply = apply  # type: ignore[method-assign]
    floor.world.clock.time += AFTER_CLAIM
    assert await settled(floor.restarted()) == 1
    assert (await floor.record()).status is ASSIGNED
    assert len({plan.operation_id for plan in hub.plans}) == 1
    assert len(hub.plans) == 2


async def _crashing(_changes: object) -> None:
    raise ConnectionAbortedError


@on_floor
async def test_a_worker_yields_to_what_was_written_meanwhile(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=DOWN))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    verbs, service_id = floor.world.enrollments, floor.world.service_id
    hub.problem, hub.meanwhile = None, lambda: verbs.delete(service_id, ID, if_match=ANY_ETAG, actor=ME)
    assert await floor.worker.run_once() == (True, ())
    assert await floor.world.storage.registrations.record(floor.world.service_id, ID) is None


@on_floor
async def test_two_workers_never_take_the_same_operation(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=DOWN))
    for number in range(6):
        await floor.enroll(f"dev-{number}", iot_hubs=(FAR,))
        await floor.register(f"dev-{number}")
    hub.problem = None
    assert sum(await asyncio.gather(settled(floor), settled(floor.restarted()))) == 6
    assert len(hub.plans) == 6


@on_floor
async def test_a_worker_with_nothing_to_do_says_so(floor: Floor) -> None:
    await floor.enroll()
    await floor.register()
    assert await floor.worker.run_once() == (False, ())


@on_floor
async def test_what_a_hub_refuses_has_failed_for_good(floor: Floor) -> None:
    await floor.link(FAR, ScriptedHub(problem=HubRefused("Quota exceeded.")))
    await floor.enroll(iot_hubs=(FAR,))
    answer, _ = await floor.register()
    result = status(await floor.poll(status(answer).operation_id)).registration_state
    assert result is not None
    assert (result.status, result.error_code) == (FAILED, errors.HUB_REFUSED.code)
    assert "Quota exceeded." in (result.error_message or "")
    assert await settled(floor) == 0


@on_floor
async def test_a_twin_that_no_hub_may_hold_fails_in_the_shared_transaction_too(floor: Floor) -> None:
    await floor.enroll(initial_twin=InitialTwin(tags={"bad key": 1}))
    await floor.register()
    record = await floor.record()
    assert (record.status, record.error_code, record.assigned_hub) == (FAILED, errors.HUB_REFUSED.code, None)


@on_floor
async def test_without_a_hub_the_operation_fails_and_tells_what_to_do(floor: Floor) -> None:
    await floor.link(FAR, apply_allocation_policy=False)
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    record = await floor.record()
    assert (record.status, record.error_code) == (FAILED, errors.NO_HUB.code)
    assert "Link a hub" in (record.error_message or "")


@on_floor
async def test_a_failed_device_may_try_again(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=HubRefused("Not now.")))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    hub.problem = None
    await floor.register()
    record = await floor.record()
    assert (record.status, record.error_code, record.error_message) == (ASSIGNED, None, None)
    assert record.substatus is Substatus.INITIAL_ASSIGNMENT


@on_floor
async def test_an_entry_disabled_before_the_worker_came_ends_as_disabled(floor: Floor) -> None:
    hub = await floor.link(FAR, ScriptedHub(problem=DOWN))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    await floor.enroll(iot_hubs=(FAR,), provisioning_status=ProvisioningStatus.DISABLED)
    hub.problem = None
    assert await settled(floor) == 1
    assert (await floor.record()).status is RegistrationStatus.DISABLED
    assert hub.plans == []


@on_floor
async def test_an_entry_deleted_before_the_worker_came_ends_as_failed(floor: Floor) -> None:
    await floor.link(FAR, ScriptedHub(problem=DOWN))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    service_id = floor.world.service_id
    await floor.world.enrollments.delete(service_id, ID, if_match=ANY_ETAG, keep_records=True, actor=ME)
    assert await settled(floor) == 1
    record = await floor.record()
    assert (record.status, record.error_code) == (FAILED, errors.ATTESTATION_FAILED.code)


@on_floor
async def test_a_move_with_migration_takes_the_twin_along_and_leaves_the_old_hub(floor: Floor) -> None:
    carried = InitialTwin(tags={"lived": "here"})
    old = await floor.link(FAR, MigratingHub(twin=carried))
    new = await floor.link(FARTHER)
    await floor.enroll(iot_hubs=(FAR,), initial_twin=TWIN)
    await floor.register()
    await floor.enroll(iot_hubs=(FARTHER,), initial_twin=TWIN)
    await floor.register()
    record = await floor.record()
    assert (record.assigned_hub, record.substatus) == (FARTHER, Substatus.DEVICE_DATA_MIGRATED)
    assert (new.plans[0].initial_twin, new.plans[0].reset_twin) == (carried, False)
    assert old.removed == [ID]


@on_floor
async def test_a_hub_that_cannot_hand_over_twins_costs_the_device_its_twin(floor: Floor) -> None:
    await floor.link(FAR)
    new = await floor.link(FARTHER)
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    await floor.enroll(iot_hubs=(FARTHER,), initial_twin=TWIN)
    await floor.register()
    assert new.plans[0].initial_twin == TWIN


@on_floor
async def test_a_move_with_reset_writes_the_initial_twin(floor: Floor) -> None:
    old = await floor.link(FAR, MigratingHub(twin=InitialTwin(tags={"lived": "here"})))
    new = await floor.link(FARTHER)
    reset = ReprovisionPolicy(update_hub_assignment=True, migrate_device_data=False)
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    await floor.enroll(iot_hubs=(FARTHER,), initial_twin=TWIN, reprovision_policy=reset)
    await floor.register()
    assert (new.plans[0].initial_twin, new.plans[0].reset_twin) == (TWIN, True)
    assert (old.removed, (await floor.record()).substatus) == ([ID], Substatus.DEVICE_DATA_RESET)


@on_floor
async def test_a_device_moves_into_the_embedded_hub_and_out_of_it(floor: Floor) -> None:
    far = await floor.link(FAR, MigratingHub(twin=InitialTwin(tags={"from": "afar"})))
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    await floor.enroll(iot_hubs=(HUB,))
    await floor.register()
    (hub,) = [each for each in await floor.world.storage.settings.linked_hubs(1) if each.host_name == HUB]  # type: ignore[arg-type]
    _, twin = await floor.embedded.twins.show(hub, DeviceId(ID))
    assert (twin.tags, far.removed) == ({"from": "afar"}, [ID])
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    assert (far.plans[-1].initial_twin or InitialTwin()).tags == {"from": "afar"}
    with pytest.raises(HomeportError):
        await floor.embedded.twins.show(hub, DeviceId(ID))


@on_floor
async def test_an_old_hub_that_is_down_delays_the_move(floor: Floor) -> None:
    old = await floor.link(FAR)
    await floor.link(FARTHER)
    await floor.enroll(iot_hubs=(FAR,))
    await floor.register()
    await floor.enroll(iot_hubs=(FARTHER,))
    old.problem = DOWN
    await floor.register()
    open_record = await floor.record()
    assert (open_record.status, open_record.assigned_hub) == (ASSIGNING, FAR)
    old.problem = None
    assert await settled(floor) == 1
    assert (await floor.record()).assigned_hub == FARTHER


@on_floor
async def test_a_group_members_device_id_keeps_its_first_spelling(floor: Floor) -> None:
    await floor.enroll_group()
    await floor.register("Cell-7", floor.proof("Cell-7", member=True))
    await floor.register("CELL-7", floor.proof("CELL-7", member=True))
    assert (await floor.record("cell-7")).device_id == "Cell-7"


@on_floor
async def test_a_new_device_id_in_the_enrollment_is_used_next_time(floor: Floor) -> None:
    await floor.enroll()
    await floor.register()
    await floor.enroll(device_id="renamed")
    await floor.register()
    assert (await floor.record()).device_id == "renamed"


async def connected(floor: Floor) -> Connection:
    """The registered device at its embedded hub, by its key."""
    resource, expiry = f"{HUB}%2Fdevices%2F{ID}", int(floor.world.clock.now().timestamp()) + 3600
    token = sign_sas_token(resource=resource, key=decode_key(PRIMARY), expiry=expiry)
    credential = PresentedCredential(sas_token=token)
    session = await floor.embedded.sessions.answer(
        OpenHubSession(hub_host_name=HUB, device_id=ID, credential=credential)
    )
    assert isinstance(session, HubSession)
    connection = Connection()
    floor.embedded.sessions.attach(session, connection.listen)
    return connection


@on_floor
async def test_a_device_that_registers_by_another_kind_of_proof_loses_what_the_first_has_opened(floor: Floor) -> None:
    await floor.enroll()
    await floor.register()
    connection = await connected(floor)
    await floor.register()
    await asyncio.sleep(0)
    assert connection.heard == []
    certificate = make_self_signed(ID)
    await store_individual(floor, ID, x509_mechanism(client=certificate), replaces=True)
    await floor.register(ID, PresentedCredential(certificate_chain=certificate.chain))
    async with asyncio.timeout(10):
        while not connection.heard:  # noqa: ASYNC110 (what the hub does afterwards, nobody waits for)
            await asyncio.sleep(0)
    assert connection.heard == [Displaced()]
