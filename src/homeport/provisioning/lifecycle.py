"""The registration state machine, as a table, and the rule of when to ask again.

                  begin           complete         fail          disable
    (no record)   assigning       -                -             disabled
    assigning     assigning       assigned         failed        disabled
    assigned      assigning       -                -             disabled
    failed        assigning       -                -             disabled
    disabled      assigning       -                -             disabled

`unassigned` is known to clients and never stored. `begin` on `assigning` returns the same operation: a device
that repeats itself is not a second device. Everything here is pure; whoever calls brings time and identifiers.
"""

import enum
from datetime import datetime

from msgspec.structs import replace

from homeport.errors import HomeportError
from homeport.model.attestation import AttestationType, Evidence
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


class Step(enum.StrEnum):
    """What can happen to a registration."""

    BEGIN = "begin"
    COMPLETE = "complete"
    FAIL = "fail"
    DISABLE = "disable"


TRANSITIONS: dict[tuple[RegistrationStatus | None, Step], RegistrationStatus] = {
    (None, Step.BEGIN): RegistrationStatus.ASSIGNING,
    (None, Step.DISABLE): RegistrationStatus.DISABLED,
    (RegistrationStatus.ASSIGNING, Step.BEGIN): RegistrationStatus.ASSIGNING,
    (RegistrationStatus.ASSIGNING, Step.COMPLETE): RegistrationStatus.ASSIGNED,
    (RegistrationStatus.ASSIGNING, Step.FAIL): RegistrationStatus.FAILED,
    (RegistrationStatus.ASSIGNING, Step.DISABLE): RegistrationStatus.DISABLED,
    (RegistrationStatus.ASSIGNED, Step.BEGIN): RegistrationStatus.ASSIGNING,
    (RegistrationStatus.ASSIGNED, Step.DISABLE): RegistrationStatus.DISABLED,
    (RegistrationStatus.FAILED, Step.BEGIN): RegistrationStatus.ASSIGNING,
    (RegistrationStatus.FAILED, Step.DISABLE): RegistrationStatus.DISABLED,
    (RegistrationStatus.DISABLED, Step.BEGIN): RegistrationStatus.ASSIGNING,
    (RegistrationStatus.DISABLED, Step.DISABLE): RegistrationStatus.DISABLED,
}

RETRY_SOON = 1
"""Seconds until the first poll when the result is ready: the least that every client honours."""
RETRY_WHILE_ASSIGNING = 3
"""Seconds between polls of an open operation, as the hosted service answers."""


def next_status(status: RegistrationStatus | None, step: Step) -> RegistrationStatus:
    """The status after a step.

    Raises:
        ValueError: the table has no such transition, which is a defect of the caller.
    """
    try:
        return TRANSITIONS[status, step]
    except KeyError:
        raise ValueError(f"a registration that is {status} cannot {step}") from None


def retry_after(status: RegistrationStatus, *, answering_register: bool = False) -> int | None:
    """Seconds until the device should ask again; None when the answer is final.

    `register` itself is always answered as open, so its caller asks again even when the result is ready.
    """
    if status is RegistrationStatus.ASSIGNING:
        return RETRY_WHILE_ASSIGNING
    return RETRY_SOON if answering_register else None


def begin(
    previous: RegistrationRecord | None,
    *,
    service_id: ServiceId,
    registration_id: RegistrationId,
    subject_key: SubjectKey,
    operation_id: OperationId,
    etag: ETag,
    now: datetime,
    attestation_type: AttestationType,
    enrollment_group_id: EnrollmentGroupId | None,
    evidence: Evidence | None = None,
    payload: bytes | None = None,
) -> RegistrationRecord:
    """A new operation on the record, which keeps the last assignment until this one succeeds."""
    return RegistrationRecord(
        service_id=service_id,
        registration_id=previous.registration_id if previous else registration_id,
        subject_key=subject_key,
        status=next_status(previous.status if previous else None, Step.BEGIN),
        etag=etag,
        created_at=previous.created_at if previous else now,
        updated_at=now,
        operation_id=operation_id,
        attestation_type=attestation_type,
        enrollment_group_id=enrollment_group_id,
        evidence=evidence,
        assigned_hub=previous.assigned_hub if previous else None,
        device_id=previous.device_id if previous else None,
        substatus=previous.substatus if previous else None,
        payload=payload,
    )


def complete(
    record: RegistrationRecord, *, hub_host_name: str, device_id: DeviceId, substatus: Substatus
) -> RegistrationRecord:
    """The operation has succeeded."""
    return replace(
        record,
        status=next_status(record.status, Step.COMPLETE),
        assigned_hub=hub_host_name,
        device_id=device_id,
        substatus=substatus,
        error_code=None,
        error_message=None,
    )


def fail(record: RegistrationRecord, error: HomeportError) -> RegistrationRecord:
    """The operation has failed for good; the device reads why when it polls."""
    return replace(
        record,
        status=next_status(record.status, Step.FAIL),
        substatus=None,
        error_code=error.row.code,
        error_message=error.message,
    )


def disable(record: RegistrationRecord, error: HomeportError) -> RegistrationRecord:
    """The device proved itself to a disabled entry."""
    return replace(
        record,
        status=next_status(record.status, Step.DISABLE),
        substatus=None,
        error_code=error.row.code,
        error_message=error.message,
    )
