"""The state machine: the table in the module's prose and the table in its code are the same; what each step writes."""

from datetime import timedelta

import pytest
from tests.unit.provisioning.records import NOW, record

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import AttestationType
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    OperationId,
    RegistrationId,
    ServiceId,
    SubjectKey,
)
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.provisioning import lifecycle
from homeport.provisioning.lifecycle import TRANSITIONS, Step

REFUSAL = HomeportError(errors.NO_HUB, "Link one.")
STATES = [None, *(status for status in RegistrationStatus if status is not RegistrationStatus.UNASSIGNED)]


def begun(previous: RegistrationRecord | None) -> RegistrationRecord:
    return lifecycle.begin(
        previous,
        service_id=ServiceId(1),
        registration_id=RegistrationId("Device-1"),
        subject_key=SubjectKey("subject"),
        operation_id=OperationId("5.1.1"),
        etag=ETag('"2"'),
        now=NOW + timedelta(hours=1),
        attestation_type=AttestationType.SYMMETRIC_KEY,
        enrollment_group_id=EnrollmentGroupId("Line-1"),
        payload=b"{}",
    )


def printed_table() -> dict[tuple[RegistrationStatus | None, Step], RegistrationStatus]:
    lines = (lifecycle.__doc__ or "").splitlines()
    start = next(index for index, line in enumerate(lines) if line.split() == [step.value for step in Step])
    table = {}
    for line in lines[start + 1 : start + 1 + len(STATES)]:
        *state, begin, complete, fail, disable = line.replace("(no record)", "none").split()
        source = None if state == ["none"] else RegistrationStatus(state[0])
        for step, target in zip(Step, (begin, complete, fail, disable), strict=True):
            if target != "-":
                table[source, step] = RegistrationStatus(target)
    return table


def test_the_printed_table_is_the_one_that_is_used() -> None:
    assert printed_table() == TRANSITIONS


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", Step)
def test_a_step_outside_the_table_is_a_defect(state: RegistrationStatus | None, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert lifecycle.next_status(state, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(ValueError, match=step):
            lifecycle.next_status(state, step)


def test_unassigned_is_never_stored() -> None:
    stored = {source for source, _ in TRANSITIONS} | set(TRANSITIONS.values())
    assert RegistrationStatus.UNASSIGNED not in stored


def test_a_first_operation_starts_with_nothing_but_what_it_was_given() -> None:
    first = begun(None)
    assert (first.status, first.created_at) == (RegistrationStatus.ASSIGNING, NOW + timedelta(hours=1))
    assert (first.assigned_hub, first.device_id, first.substatus, first.payload) == (None, None, None, b"{}")


def test_a_later_operation_keeps_the_assignment_and_forgets_the_error() -> None:
    earlier = record(
        status=RegistrationStatus.FAILED,
        assigned_hub="hub.test",
        device_id=DeviceId("dev"),
        error_code=400208,
        error_message="No.",
        payload=b"[]",
        returned_payload=b"[]",
    )
    later = begun(earlier)
    assert (later.status, later.assigned_hub, later.device_id) == (RegistrationStatus.ASSIGNING, "hub.test", "dev")
    assert (later.created_at, later.updated_at) == (NOW, NOW + timedelta(hours=1))
    assert (later.error_code, later.error_message, later.payload, later.returned_payload) == (None, None, b"{}", None)
    assert (later.operation_id, later.enrollment_group_id) == ("5.1.1", "Line-1")


def test_completion_says_where() -> None:
    done = lifecycle.complete(
        begun(None),
        hub_host_name="hub.test",
        device_id=DeviceId("dev"),
        substatus=Substatus.INITIAL_ASSIGNMENT,
    )
    assert (done.status, done.assigned_hub, done.device_id) == (RegistrationStatus.ASSIGNED, "hub.test", "dev")
    assert done.substatus is Substatus.INITIAL_ASSIGNMENT


def test_failure_and_refusal_say_why_and_keep_the_last_place() -> None:
    open_again = begun(record(assigned_hub="hub.test", substatus=Substatus.INITIAL_ASSIGNMENT))
    for ended, status in (
        (lifecycle.fail(open_again, REFUSAL), RegistrationStatus.FAILED),
        (lifecycle.disable(open_again, REFUSAL), RegistrationStatus.DISABLED),
    ):
        assert (ended.status, ended.assigned_hub, ended.substatus) == (status, "hub.test", None)
        assert (ended.error_code, ended.error_message) == (errors.NO_HUB.code, REFUSAL.message)


def test_when_to_ask_again() -> None:
    assert lifecycle.retry_after(RegistrationStatus.ASSIGNING) == 3
    assert lifecycle.retry_after(RegistrationStatus.ASSIGNING, answering_register=True) == 3
    for final in (RegistrationStatus.ASSIGNED, RegistrationStatus.FAILED, RegistrationStatus.DISABLED):
        assert lifecycle.retry_after(final) is None
        assert lifecycle.retry_after(final, answering_register=True) == 1
