"""Individual enrollments: who may register as one device, and what it is given.

Counterpart: `enrollment_groups.py`. REST: Individual Enrollment operations. Deletion takes the registration
record along (`customer-data` contract, section 1) unless the caller keeps it; no hub is touched. Keys leave
only by `put`'s answer and by `attestation`, certificates never (`attestation/`).
"""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from homeport import errors
from homeport.administration.attestation import answered, revealed, shown, with_attestation
from homeport.administration.bulk import run_bulk
from homeport.administration.enrollment_rules import checked, names_hubs
from homeport.administration.paging import Page, page_of
from homeport.administration.preconditions import PutCondition, bulk_condition, check_match, check_put, etag_of
from homeport.administration.trail import Deed, subject_changes
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.attestation import AttestationMechanism
from homeport.model.bulk import BulkOperation, BulkOperationError, BulkResult
from homeport.model.enrollment import IndividualEnrollment
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import (
    ETag,
    RegistrationId,
    ServiceId,
    folded,
    new_etag,
    parse_device_id,
    parse_registration_id,
)
from homeport.model.registration_views import service_view
from homeport.storage.changes import Change, DeleteIndividualEnrollment, PutIndividualEnrollment
from homeport.storage.port import RegistrationContext, Storage
from homeport.storage.settling import settled


class IndividualEnrollments:
    """The verbs on individual enrollments; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def show(
        self, service_id: ServiceId, registration_id: RegistrationId
    ) -> tuple[IndividualEnrollment, Sequence[ServiceEvent]]:
        """The enrollment without its keys and certificates, with its registration state if there is one.

        Raises:
            HomeportError: ENROLLMENT_NOT_FOUND.
        """
        context = await self._storage.registrations.context(service_id, registration_id)
        state = service_view(context.record) if context.record else None
        return replace(shown(_existing(context)), registration_state=state), ()

    async def page(
        self, service_id: ServiceId, *, after: str, limit: int
    ) -> tuple[Page[IndividualEnrollment], Sequence[ServiceEvent]]:
        """The enrollments behind the ID `after`, without keys, certificates and states."""
        rows = await self._storage.enrollments.individuals(service_id, after=after, limit=limit + 1)
        entries = [shown(row) for row in rows]
        return page_of(entries, limit=limit, key=lambda entry: folded(entry.registration_id)), ()

    async def attestation(
        self, service_id: ServiceId, registration_id: RegistrationId, *, actor: str
    ) -> tuple[AttestationMechanism, Sequence[ServiceEvent]]:
        """The attestation mechanism with its keys. That they were read is itself written to the audit log."""

        async def attempt() -> tuple[AttestationMechanism, Sequence[ServiceEvent]]:
            context = await self._storage.registrations.context(service_id, registration_id)
            enrollment = _existing(context)
            events = await self._write(service_id, context, registration_id, kind="EnrollmentKeysRead", actor=actor)
            return revealed(enrollment.attestation), events

        return await settled(attempt)

    async def put(
        self, service_id: ServiceId, enrollment: IndividualEnrollment, *, condition: PutCondition, actor: str
    ) -> tuple[IndividualEnrollment, Sequence[ServiceEvent]]:
        """Create or replace; the answer carries the keys. Keys that are left out stay, or are made; certificates stay
        where only their info is sent.

        Raises:
            HomeportError: ALREADY_EXISTS, ETAG_MISMATCH, ENROLLMENT_NOT_FOUND by `condition`;
                INVALID_BODY, INVALID_IDENTIFIER, NOT_OFFERED.
        """
        registration_id = parse_registration_id(enrollment.registration_id)
        if enrollment.device_id is not None:
            parse_device_id(enrollment.device_id)

        async def attempt() -> tuple[IndividualEnrollment, Sequence[ServiceEvent]]:
            context = await self._storage.registrations.context(service_id, registration_id)
            stored = context.enrollment
            check_put(stored, condition)
            completed = await self._completed(service_id, enrollment, stored)
            change = PutIndividualEnrollment(
                service_id=service_id, enrollment=completed, expected=etag_of(stored) if stored else None
            )
            kind = "EnrollmentUpdated" if stored else "EnrollmentCreated"
            return answered(completed), await self._write(
                service_id, context, registration_id, change, kind=kind, actor=actor
            )

        return await settled(attempt)

    async def delete(
        self,
        service_id: ServiceId,
        registration_id: RegistrationId,
        *,
        if_match: ETag | None = None,
        keep_records: bool = False,
        actor: str,
    ) -> tuple[None, Sequence[ServiceEvent]]:
        """Delete the enrollment, and its registration record unless `keep_records`.

        Raises:
            HomeportError: ENROLLMENT_NOT_FOUND, ETAG_MISMATCH.
        """

        async def attempt() -> tuple[None, Sequence[ServiceEvent]]:
            context = await self._storage.registrations.context(service_id, registration_id)
            etag = etag_of(_existing(context))
            check_match(etag, if_match)
            change = DeleteIndividualEnrollment(
                service_id=service_id, registration_id=registration_id, expected=etag, keep_records=keep_records
            )
            kind = "EnrollmentDeleted"
            return None, await self._write(service_id, context, registration_id, change, kind=kind, actor=actor)

        return await settled(attempt)

    async def bulk(
        self, service_id: ServiceId, operation: BulkOperation[IndividualEnrollment], *, actor: str
    ) -> tuple[BulkResult, Sequence[ServiceEvent]]:
        """Each entry on its own; refusals stand in the result."""

        async def put(entry: IndividualEnrollment) -> tuple[object, Sequence[ServiceEvent]]:
            condition = bulk_condition(operation.mode, entry.etag)
            return await self.put(service_id, entry, condition=condition, actor=actor)

        async def delete(identifier: str) -> tuple[object, Sequence[ServiceEvent]]:
            return await self.delete(service_id, parse_registration_id(identifier), actor=actor)

        puts = [(entry.registration_id, partial(put, entry)) for entry in operation.entries]
        deletes = [(identifier, partial(delete, identifier)) for identifier in operation.removals]
        return await run_bulk([*puts, *deletes], refusal=_refusal)

    async def _completed(
        self, service_id: ServiceId, enrollment: IndividualEnrollment, stored: IndividualEnrollment | None
    ) -> IndividualEnrollment:
        hubs = await self._storage.settings.linked_hubs(service_id) if names_hubs(enrollment) else ()
        now = self._clock.now()
        return replace(
            with_attestation(checked(enrollment, hubs), stored, ca_certificates=(), randomness=self._randomness),
            etag=new_etag(self._randomness),
            registration_state=None,
            created_date_time_utc=stored.created_date_time_utc if stored else now,
            last_updated_date_time_utc=now,
        )

    async def _write(
        self,
        service_id: ServiceId,
        context: RegistrationContext,
        registration_id: RegistrationId,
        *changes: Change,
        kind: str,
        actor: str,
    ) -> Sequence[ServiceEvent]:
        subject, minted = subject_changes(service_id, registration_id, context.subject_key, self._randomness)
        deed = Deed(service_id=service_id, kind=kind, actor=actor, at=self._clock.now(), subject_key=subject)
        await self._storage.apply([*minted, *changes, deed.audit()])
        return (deed.event(),)


def _existing(context: RegistrationContext) -> IndividualEnrollment:
    if context.enrollment is None:
        raise HomeportError(errors.ENROLLMENT_NOT_FOUND)
    return context.enrollment


def _refusal(identifier: str, error: HomeportError) -> BulkOperationError:
    return BulkOperationError(registration_id=identifier, error_code=error.row.code, error_status=error.message)
