"""What an operator is told of a device: the verdict, the exact cause, what to change, and how it is known."""

from datetime import datetime

import pytest
from msgspec.structs import replace
from tests.unit.administration.world import ME, World, in_world, individual

from homeport import errors
from homeport.administration.explanations import Explanation, explain
from homeport.administration.preconditions import PutCondition
from homeport.errors import ErrorRow
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.causes import CAUSES
from homeport.model.identifiers import ETag, RegistrationId
from homeport.model.registration import RegistrationStatus
from homeport.storage.changes import PutAttestationFailures, PutRegistration

ID = RegistrationId("Device-1")


async def explained(world: World, registration_id: str = ID) -> Explanation:
    return await explain(world.storage, world.service_id, RegistrationId(registration_id))


async def refuse(world: World, cause: str, at: datetime | None = None, **facts: str) -> None:
    failure = AttestationFailure(
        service_id=world.service_id,
        registration_id=ID,
        occurred_at=at or world.clock.now(),
        is_known=True,
        error_code=401002,
        cause=cause,
        message="Unauthorized. It is wrong.",
        facts=facts,
        transport="mqtt",
        correlation_id="c-1",
    )
    await world.storage.apply([PutAttestationFailures(failures=(failure,))])


@in_world
async def test_a_device_that_nobody_knows(world: World) -> None:
    told = await explained(world)
    assert told.verdict.startswith("No device has registered")
    assert told.remedy is not None
    assert "ID scope" in told.remedy


@in_world
async def test_a_refusal_with_its_exact_cause_and_the_facts(world: World) -> None:
    await world.enrollments.put(world.service_id, individual(ID), condition=PutCondition(), actor=ME)
    await refuse(world, "missing_intermediate", issuer="CN=Line 1")
    told = await explained(world)
    assert told.cause == "missing_intermediate"
    assert told.remedy is not None
    assert "intermediates" in told.remedy
    steps = {step.title: step for step in told.steps}
    assert "individual enrollment, enabled" in steps["Entry"].finding
    assert steps["Last refusal"].facts["correlationId"] == "c-1"
    assert steps["The device was told"].finding == "Unauthorized. It is wrong."
    assert steps["The exact cause"].facts == {"issuer": "CN=Line 1"}
    assert any(step.title == "Audit" and "EnrollmentCreated" in step.finding for step in told.steps)


@in_world
async def test_a_success_after_the_refusal_is_the_verdict(world: World) -> None:
    await refuse(world, "sas_expired")
    world.clock.advance(60)
    record = await world.record(ID)
    told = await explained(world)
    assert told.cause is None
    assert record.status.value in told.verdict.lower()
    steps = {step.title: step for step in told.steps}
    assert steps["The exact cause"].finding.startswith("sas_expired")
    assert "past" in steps["What to change"].finding


@in_world
async def test_the_log_is_searched_by_the_subject_key(world: World) -> None:
    record = await world.record(ID)
    steps = {step.title: step for step in (await explained(world)).steps}
    assert steps["Log"].facts == {"subject": record.subject_key}


@pytest.mark.parametrize(
    ("row", "status", "cause"),
    [
        (errors.NO_HUB, RegistrationStatus.FAILED, "no_hub"),
        (errors.HUB_REFUSED, RegistrationStatus.FAILED, "hub_refused"),
        (errors.ENROLLMENT_DISABLED, RegistrationStatus.DISABLED, "disabled"),
    ],
)
def test_what_failed_after_the_proof_has_its_cause_from_the_record(
    row: ErrorRow, status: RegistrationStatus, cause: str
) -> None:
    @in_world
    async def scenario(world: World) -> None:
        record = await world.record(ID)
        failed = replace(record, status=status, error_code=row.code, error_message="Full.", etag=ETag("2"))
        await world.storage.apply([PutRegistration(record=failed, expected=record.etag)])
        told = await explained(world)
        assert (told.cause, told.remedy) == (cause, CAUSES[cause].remedy)

    scenario()


@in_world
async def test_a_refusal_after_the_success_is_the_verdict(world: World) -> None:
    await world.record(ID)
    world.clock.advance(60)
    await refuse(world, "disabled")
    told = await explained(world)
    assert told.cause == "disabled"
    assert any(step.title == "Registration" for step in told.steps)


@in_world
async def test_a_word_without_a_row_is_told_as_it_is(world: World) -> None:
    await refuse(world, "InvalidRequest")
    assert (await explained(world)).cause == "InvalidRequest"
