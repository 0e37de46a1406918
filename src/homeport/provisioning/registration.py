"""RegistrationService: the four things a device can ask, whatever transport it asks over.

Each reads once (`admission.py`), decides, and writes at most once. `register` is always answered as open
(202 `assigning`), also when the result is ready: some clients refuse anything else, and all of them ask again.
Every method returns the answer and the events to report once the answer's write has been committed.
"""

import asyncio
from collections.abc import Sequence

from homeport import errors
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential, Proof, TpmChallenge
from homeport.model.events import AttestationAttempted, ServiceEvent
from homeport.model.identifiers import (
    EnrollmentGroupId,
    OperationId,
    RegistrationId,
    ServiceId,
    folded,
    new_etag,
    new_operation_id,
    new_subject_key,
)
from homeport.model.registration import (
    RegistrationOperation,
    RegistrationOperationStatus,
    RegistrationRecord,
    RegistrationStatus,
)
from homeport.model.registration_views import device_view
from homeport.provisioning import lifecycle
from homeport.provisioning.admission import Admission, Admitted, ChallengeNeeded, DisabledEntry
from homeport.provisioning.assignment import Assigner, Assignment
from homeport.provisioning.throttle import Throttle, Unthrottled
from homeport.provisioning.tpm_challenges import TpmChallenges, begun_with
from homeport.storage.changes import Change, ChangedMeanwhile, PutRegistration, PutSubject, SpendTpmChallenge
from homeport.storage.port import RegistrationContext, Storage

_ATTEMPTS = 5

Events = Sequence[ServiceEvent]


class RegistrationService:
    """The device's side of the service."""

    def __init__(
        self,
        storage: Storage,
        admission: Admission,
        assigner: Assigner,
        *,
        clock: Clock,
        randomness: Randomness,
        throttle: Throttle | None = None,
    ) -> None:
        self._storage = storage
        self._admission = admission
        self._throttle = throttle or Unthrottled()
        self._assigner = assigner
        self._clock = clock
        self._randomness = randomness
        self._challenges = TpmChallenges(storage, clock=clock, randomness=randomness)
        self._under_way: dict[tuple[ServiceId, str], asyncio.Future[RegistrationRecord | None]] = {}

    async def attest(
        self, *, id_scope: str, registration_id: RegistrationId, credential: PresentedCredential
    ) -> tuple[AttestedIdentity | TpmChallenge, Events]:
        """Check a proof for a connection that will carry the identity; a TPM that showed its keys is challenged.

        Raises:
            HomeportError: ATTESTATION_FAILED, ENROLLMENT_DISABLED or ENROLLMENT_NOT_FOUND.
        """
        try:
            admitted = await self._admit(id_scope, registration_id, credential)
        except ChallengeNeeded as needed:
            return await self._challenges.issue(needed), ()
        if admitted.challenge is not None:
            await self._challenges.spend(admitted.challenge)
        return admitted.identity, _attested(admitted, credential)

    async def register(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof, payload: bytes | None
    ) -> tuple[RegistrationOperation | TpmChallenge, Events]:
        """REST: Register Device. Begins an operation, or returns the one that is under way; challenges a TPM first.

        Raises:
            HomeportError: the proof does not hold, THROTTLED, or PRECONDITION_CONFLICT when the record keeps changing.
        """
        try:
            admitted = await self._admit(id_scope, registration_id, proof)
        except ChallengeNeeded as needed:
            return await self._challenges.issue(needed), ()
        self._throttle.registration(
            id_scope=admitted.service.id_scope,
            registration_id=registration_id,
            enrollment_group_id=admitted.identity.enrollment.enrollment_group_id,
        )
        record, events = await self._settle_once(admitted, proof, payload)
        return _open_answer(record), [*_attested(admitted, proof), *events]

    async def _settle_once(
        self, admitted: Admitted, proof: Proof, payload: bytes | None
    ) -> tuple[RegistrationRecord, Events]:
        """Of the requests of one device that overlap here, the first settles the operation and the others wait for it.

        Where nothing comes of it, because it failed or its caller has gone, the next one tries.
        """
        key = (admitted.service.service_id, folded(admitted.identity.registration_id))
        while (under_way := self._under_way.get(key)) is not None:
            if (settled := await asyncio.shield(under_way)) is not None:
                return settled, ()
        under_way = self._under_way[key] = asyncio.get_running_loop().create_future()
        record = None
        try:
            record, events = await self._settle(admitted, proof, payload)
        finally:
            del self._under_way[key]
            under_way.set_result(record)
        return record, events

    async def _settle(
        self, admitted: Admitted, proof: Proof, payload: bytes | None
    ) -> tuple[RegistrationRecord, Events]:
        """One operation for all requests of one device that overlap, also on other processes."""
        seen = admitted.context.record
        for _ in range(_ATTEMPTS):
            record = admitted.context.record
            if (begun := begun_with(admitted.challenge, record)) is not None:
                return begun, ()
            if record is not None and (_is_open(record) or (seen is None or record.operation_id != seen.operation_id)):
                return record, ()
            try:
                return await self._begin(admitted, payload)
            except ChangedMeanwhile:
                admitted = await self._admit(admitted.service.id_scope, admitted.identity.registration_id, proof)
        raise HomeportError(errors.PRECONDITION_CONFLICT, "Register again.")

    async def operation_status(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof, operation_id: OperationId
    ) -> tuple[RegistrationOperation, Events]:
        """REST: Operation Status Lookup.

        Raises:
            HomeportError: the proof does not hold, THROTTLED, or OPERATION_NOT_FOUND for a foreign or replaced
                operation.
        """
        record = await self._poll(id_scope, registration_id, proof)
        if record is None or record.operation_id != operation_id:
            raise HomeportError(errors.OPERATION_NOT_FOUND, "It is of another registration; register again.")
        return _answer(record), ()

    async def registration_status(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof
    ) -> tuple[RegistrationOperation, Events]:
        """REST: Device Registration Status Lookup; the last result, so that a device without storage finds its hub.

        Raises:
            HomeportError: the proof does not hold, THROTTLED, or REGISTRATION_NOT_FOUND before the first `register`.
        """
        record = await self._poll(id_scope, registration_id, proof)
        if record is None:
            raise HomeportError(errors.REGISTRATION_NOT_FOUND, "The device has not registered yet; register.")
        return RegistrationOperation(body=device_view(record)), ()

    async def _poll(self, id_scope: str, registration_id: RegistrationId, proof: Proof) -> RegistrationRecord | None:
        admitted = await self._admit(id_scope, registration_id, proof)
        self._throttle.poll(id_scope=admitted.service.id_scope, registration_id=registration_id)
        return admitted.context.record

    async def _admit(self, id_scope: str, registration_id: RegistrationId, proof: Proof) -> Admitted:
        try:
            return await self._admission.admit(id_scope, registration_id, proof)
        except DisabledEntry as disabled:
            await self._record_disabled(disabled)
            raise disabled.refusal from None

    async def _begin(self, admitted: Admitted, payload: bytes | None) -> tuple[RegistrationRecord, Events]:
        opened = self._open(admitted.identity, admitted.context, payload)
        assignment = await self._assigner.assign(admitted, opened)
        spent = (
            [SpendTpmChallenge(challenge=admitted.challenge, spent_on=opened.operation_id)]
            if admitted.challenge
            else ()
        )
        await self._write(admitted.context, assignment, spent)
        assignment.committed()
        return assignment.record, assignment.events()

    def _open(
        self, identity: AttestedIdentity, context: RegistrationContext, payload: bytes | None = None
    ) -> RegistrationRecord:
        group_id = identity.enrollment.enrollment_group_id
        return lifecycle.begin(
            context.record,
            service_id=identity.service_id,
            registration_id=identity.registration_id,
            subject_key=context.subject_key or new_subject_key(self._randomness),
            operation_id=new_operation_id(self._randomness),
            etag=new_etag(self._randomness),
            now=self._clock.now(),
            attestation_type=identity.attestation_type,
            enrollment_group_id=EnrollmentGroupId(group_id) if group_id else None,
            evidence=identity.evidence,
            payload=payload,
        )

    async def _write(self, context: RegistrationContext, assignment: Assignment, spent: Sequence[Change] = ()) -> None:
        record = assignment.record
        await self._storage.apply(
            [
                *_new_subject(context, record),
                PutRegistration(
                    record=record,
                    expected=context.record.etag if context.record else None,
                    claimed_until=record.updated_at if _is_open(record) else None,
                ),
                *assignment.hub_changes,
                *spent,
                assignment.audit(),
            ]
        )

    async def _record_disabled(self, disabled: DisabledEntry) -> None:
        """Leave a record that says `disabled`, once; a device that keeps trying writes nothing more."""
        record = disabled.context.record
        if record is not None and record.status is RegistrationStatus.DISABLED:
            return
        opened = self._open(disabled.identity, disabled.context)
        try:
            await self._write(disabled.context, Assignment(record=lifecycle.disable(opened, disabled.refusal)))
        except ChangedMeanwhile:
            return  # Somebody else wrote about this device just now; the next attempt reads what.
        disabled.refusal.subject = opened.subject_key


def _new_subject(context: RegistrationContext, record: RegistrationRecord) -> Sequence[Change]:
    if context.subject_key is not None:
        return ()
    return (
        PutSubject(
            service_id=record.service_id,
            subject_key=record.subject_key,
            registration_id=record.registration_id,
        ),
    )


def _attested(admitted: Admitted, proof: Proof) -> list[ServiceEvent]:
    """Attestation is counted where the proof was checked, not again for each question of a connection."""
    if isinstance(proof, AttestedIdentity):
        return []
    return [
        AttestationAttempted(
            service_id=admitted.service.service_id, succeeded=True, subject_key=admitted.context.subject_key
        )
    ]


def _is_open(record: RegistrationRecord) -> bool:
    return record.status is RegistrationStatus.ASSIGNING


def _open_answer(record: RegistrationRecord) -> RegistrationOperation:
    return RegistrationOperation(
        body=RegistrationOperationStatus(operation_id=record.operation_id, status=RegistrationStatus.ASSIGNING),
        retry_after=lifecycle.retry_after(record.status, answering_register=True),
    )


def _answer(record: RegistrationRecord) -> RegistrationOperation:
    if _is_open(record):
        return RegistrationOperation(
            body=RegistrationOperationStatus(operation_id=record.operation_id, status=record.status),
            retry_after=lifecycle.retry_after(record.status),
        )
    return RegistrationOperation(
        body=RegistrationOperationStatus(
            operation_id=record.operation_id, status=record.status, registration_state=device_view(record)
        )
    )
