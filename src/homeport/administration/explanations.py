"""What happened to a device the last time, step by step, and what to change.

Joins what lies in different places: the entry, the registration record, the last failure of its attestation and the
audit log. Reads only; for the operator, who may know everything. Counterpart: `model/causes.py`, the words.
"""

from collections.abc import Mapping, Sequence

import msgspec

from homeport import errors
from homeport.administration import audit_log
from homeport.administration.audit_log import LoggedEvent
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.causes import CAUSES, UNEXPLAINED, Cause
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.identifiers import RegistrationId, ServiceId, SubjectKey
from homeport.model.registration import RegistrationRecord, RegistrationStatus
from homeport.storage.port import Storage

_MOST_EVENTS = 10
_RECORDED = {
    errors.NO_HUB.code: "no_hub",
    errors.HUB_REFUSED.code: "hub_refused",
    errors.ENROLLMENT_DISABLED.code: "disabled",
}
"""Why a device whose proof held has no hub: the cause, by the error code in its record."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at, and what was found; `facts` are details by name."""

    title: str
    finding: str
    facts: Mapping[str, str] = msgspec.field(default_factory=dict)


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The story of one registration ID. `cause` is the word of what went wrong last; None after a success."""

    registration_id: str
    verdict: str
    cause: str | None
    remedy: str | None
    steps: tuple[Step, ...]


async def explain(storage: Storage, service_id: ServiceId, registration_id: RegistrationId) -> Explanation:
    """Find out what became of a device; an ID that was never seen is explained, too."""
    entry = await storage.enrollments.individual(service_id, registration_id)
    record = await storage.registrations.record(service_id, registration_id)
    failure = await storage.registrations.failure(service_id, registration_id)
    group = None
    if record is not None and record.enrollment_group_id is not None:
        group = await storage.enrollments.group(service_id, record.enrollment_group_id)
    subject = await storage.audit.subject_key(service_id, registration_id)
    events = await audit_log.of_subject(storage.audit, subject) if subject else ()
    steps = [_entry_step(entry, group, record), *_failure_steps(failure, record), *_record_steps(record)]
    return _conclusion(registration_id, record, failure, (*steps, *_log_steps(subject), *_event_steps(events)))


def _conclusion(
    registration_id: RegistrationId,
    record: RegistrationRecord | None,
    failure: AttestationFailure | None,
    steps: tuple[Step, ...],
) -> Explanation:
    if failure is not None and not _is_older(failure, record):
        cause = _cause(failure)
        return Explanation(
            registration_id=registration_id,
            verdict=f"Refused: {cause.meaning}",
            cause=failure.cause,
            remedy=cause.remedy,
            steps=steps,
        )
    return Explanation(
        registration_id=registration_id,
        verdict=_standing(record),
        cause=_RECORDED.get(record.error_code or 0) if record is not None else None,
        remedy=_what_next(record),
        steps=steps,
    )


def _is_older(failure: AttestationFailure, record: RegistrationRecord | None) -> bool:
    """Whether the device has registered, well or not, since it was refused."""
    return record is not None and record.updated_at > failure.occurred_at


def _cause(failure: AttestationFailure) -> Cause:
    return CAUSES.get(failure.cause, UNEXPLAINED)


def _standing(record: RegistrationRecord | None) -> str:
    if record is None:
        return "No device has registered with this ID, and none was refused lately."
    if record.status is RegistrationStatus.ASSIGNED:
        return f"Assigned to {record.assigned_hub}."
    if record.status is RegistrationStatus.FAILED:
        return f"Failed: {record.error_message}"
    return f"The registration is {record.status.value}."


def _what_next(record: RegistrationRecord | None) -> str | None:
    if record is None:
        return (
            "Check the ID's spelling (upper and lower case are the same), the device's ID scope, and that it reaches "
            "this server at all."
        )
    if record.status in (RegistrationStatus.FAILED, RegistrationStatus.DISABLED):
        return CAUSES[_RECORDED.get(record.error_code or 0, "hub_refused")].remedy
    if record.status is RegistrationStatus.ASSIGNING:
        return "The hub has not answered yet; a worker tries again. See /readyz and the log."
    return None


def _entry_step(
    entry: IndividualEnrollment | None, group: EnrollmentGroup | None, record: RegistrationRecord | None
) -> Step:
    if entry is not None:
        finding = f"An individual enrollment, {entry.provisioning_status.value}, by {entry.attestation.type.value}."
        return Step(title="Entry", finding=finding)
    if group is not None:
        finding = f"The group {group.enrollment_group_id}, {group.provisioning_status.value}, vouched for it last."
        return Step(title="Entry", finding=finding)
    if record is not None:
        return Step(title="Entry", finding="The entry through which it came is gone.")
    return Step(title="Entry", finding="No individual enrollment; groups may vouch for it.")


def _failure_steps(failure: AttestationFailure | None, record: RegistrationRecord | None) -> Sequence[Step]:
    if failure is None:
        return (Step(title="Last refusal", finding="None on record."),)
    cause = _cause(failure)
    since = f"This is past: the registration has become {record.status} since then." if record else None
    remedy = since if since and _is_older(failure, record) else cause.remedy
    presented = Step(
        title="Last refusal",
        finding=f"{failure.occurred_at:%Y-%m-%d %H:%M:%S} UTC over {failure.transport}.",
        facts={"errorCode": str(failure.error_code), "correlationId": failure.correlation_id},
    )
    told = Step(title="The device was told", finding=failure.message)
    exact = Step(title="The exact cause", finding=f"{failure.cause}: {cause.meaning}", facts=failure.facts)
    return presented, told, exact, Step(title="What to change", finding=remedy)


def _record_steps(record: RegistrationRecord | None) -> Sequence[Step]:
    if record is None:
        return (Step(title="Registration", finding="No record."),)
    facts = {
        "hub": record.assigned_hub,
        "deviceId": record.device_id,
        "substatus": record.substatus,
        "attestation": record.attestation_type,
        "errorCode": None if record.error_code is None else str(record.error_code),
        "errorMessage": record.error_message,
    }
    finding = f"{record.status.value} since {record.updated_at:%Y-%m-%d %H:%M:%S} UTC."
    known = {name: str(value) for name, value in facts.items() if value is not None}
    return (Step(title="Registration", finding=finding, facts=known),)


def _log_steps(subject: SubjectKey | None) -> Sequence[Step]:
    """The log names no device; whoever searches it needs this."""
    if subject is None:
        return ()
    return (Step(title="Log", finding="Its lines have this subject key.", facts={"subject": subject}),)


def _event_steps(events: Sequence[LoggedEvent]) -> Sequence[Step]:
    return [
        Step(
            title="Audit",
            finding=f"{logged.event.occurred_at:%Y-%m-%d %H:%M:%S} {logged.event.kind} by {logged.event.actor}",
            facts={name: str(value) for name, value in logged.event.detail.items()},
        )
        for logged in events[-_MOST_EVENTS:]
    ]
