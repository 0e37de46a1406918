"""Enrollment groups: who may register as one of many devices that share a credential's root.

Counterpart: `enrollments.py`. REST: Enrollment Group operations. A group belongs to nobody in particular, so the
audit log names it; its devices' records are found through it (`registrations.py`) and go when it is deleted,
unless the caller keeps them.
"""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from homeport import errors
from homeport.administration.attestation import answered, names_ca_certificates, revealed, shown, with_attestation
from homeport.administration.bulk import run_bulk
from homeport.administration.enrollment_rules import MAX_GROUPS, checked, names_hubs
from homeport.administration.paging import Page, page_of
from homeport.administration.preconditions import PutCondition, bulk_condition, check_match, check_put, etag_of
from homeport.administration.trail import Deed
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.attestation import AttestationMechanism
from homeport.model.bulk import BulkOperation, BulkOperationError, BulkResult
from homeport.model.enrollment import EnrollmentGroup
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import (
    EnrollmentGroupId,
    ETag,
    ServiceId,
    folded,
    new_etag,
    parse_enrollment_group_id,
)
from homeport.storage.changes import Change, DeleteEnrollmentGroup, PutEnrollmentGroup
from homeport.storage.port import Storage
from homeport.storage.settling import settled


class EnrollmentGroups:
    """The verbs on enrollment groups; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def show(
        self, service_id: ServiceId, group_id: EnrollmentGroupId
    ) -> tuple[EnrollmentGroup, Sequence[ServiceEvent]]:
        """The group without its keys and certificates.

        Raises:
            HomeportError: ENROLLMENT_NOT_FOUND.
        """
        return shown(await self._existing(service_id, group_id)), ()

    async def page(
        self, service_id: ServiceId, *, after: str, limit: int
    ) -> tuple[Page[EnrollmentGroup], Sequence[ServiceEvent]]:
        """The groups behind the ID `after`, without keys and certificates."""
        rows = await self._storage.enrollments.groups(service_id, after=after, limit=limit + 1)
        groups = [shown(row) for row in rows]
        return page_of(groups, limit=limit, key=lambda group: folded(group.enrollment_group_id)), ()

    async def attestation(
        self, service_id: ServiceId, group_id: EnrollmentGroupId, *, actor: str
    ) -> tuple[AttestationMechanism, Sequence[ServiceEvent]]:
        """The attestation mechanism with its keys. That they were read is itself written to the audit log."""

        async def attempt() -> tuple[AttestationMechanism, Sequence[ServiceEvent]]:
            group = await self._existing(service_id, group_id)
            events = await self._write(service_id, group_id, kind="EnrollmentGroupKeysRead", actor=actor)
            return revealed(group.attestation), events

        return await settled(attempt)

    async def put(
        self, service_id: ServiceId, group: EnrollmentGroup, *, condition: PutCondition, actor: str
    ) -> tuple[EnrollmentGroup, Sequence[ServiceEvent]]:
        """Create or replace; the answer carries the keys. Keys that are left out stay, or are made; certificates stay
        where only their info is sent.

        Raises:
            HomeportError: ALREADY_EXISTS, ETAG_MISMATCH, ENROLLMENT_NOT_FOUND by `condition`;
                INVALID_BODY, INVALID_IDENTIFIER, NOT_OFFERED; INVALID_REQUEST when there are too many groups.
        """
        group_id = parse_enrollment_group_id(group.enrollment_group_id)

        async def attempt() -> tuple[EnrollmentGroup, Sequence[ServiceEvent]]:
            stored = await self._storage.enrollments.group(service_id, group_id)
            check_put(stored, condition)
            completed = await self._completed(service_id, group, stored)
            change = PutEnrollmentGroup(
                service_id=service_id, group=completed, expected=etag_of(stored) if stored else None
            )
            kind = "EnrollmentGroupUpdated" if stored else "EnrollmentGroupCreated"
            return answered(completed), await self._write(service_id, group_id, change, kind=kind, actor=actor)

        return await settled(attempt)

    async def delete(
        self,
        service_id: ServiceId,
        group_id: EnrollmentGroupId,
        *,
        if_match: ETag | None = None,
        keep_records: bool = False,
        actor: str,
    ) -> tuple[None, Sequence[ServiceEvent]]:
        """Delete the group, and the records that came through it unless `keep_records`.

        Raises:
            HomeportError: ENROLLMENT_NOT_FOUND, ETAG_MISMATCH.
        """

        async def attempt() -> tuple[None, Sequence[ServiceEvent]]:
            etag = etag_of(await self._existing(service_id, group_id))
            check_match(etag, if_match)
            change = DeleteEnrollmentGroup(
                service_id=service_id,
                enrollment_group_id=group_id,
                expected=etag,
                deleted_at=self._clock.now(),
                keep_records=keep_records,
            )
            return None, await self._write(service_id, group_id, change, kind="EnrollmentGroupDeleted", actor=actor)

        return await settled(attempt)

    async def bulk(
        self, service_id: ServiceId, operation: BulkOperation[EnrollmentGroup], *, actor: str
    ) -> tuple[BulkResult, Sequence[ServiceEvent]]:
        """Each group on its own; refusals stand in the result."""

        async def put(group: EnrollmentGroup) -> tuple[object, Sequence[ServiceEvent]]:
            condition = bulk_condition(operation.mode, group.etag)
            return await self.put(service_id, group, condition=condition, actor=actor)

        async def delete(identifier: str) -> tuple[object, Sequence[ServiceEvent]]:
            return await self.delete(service_id, parse_enrollment_group_id(identifier), actor=actor)

        puts = [(group.enrollment_group_id, partial(put, group)) for group in operation.entries]
        deletes = [(identifier, partial(delete, identifier)) for identifier in operation.removals]
        return await run_bulk([*puts, *deletes], refusal=_refusal)

    async def _existing(self, service_id: ServiceId, group_id: EnrollmentGroupId) -> EnrollmentGroup:
        group = await self._storage.enrollments.group(service_id, group_id)
        if group is None:
            raise HomeportError(errors.ENROLLMENT_NOT_FOUND)
        return group

    async def _completed(
        self, service_id: ServiceId, group: EnrollmentGroup, stored: EnrollmentGroup | None
    ) -> EnrollmentGroup:
        if stored is None:
            await self._check_room(service_id)
        hubs = await self._storage.settings.linked_hubs(service_id) if names_hubs(group) else ()
        named = names_ca_certificates(group)
        authorities = await self._storage.enrollments.ca_certificates(service_id) if named else ()
        now = self._clock.now()
        return replace(
            with_attestation(checked(group, hubs), stored, ca_certificates=authorities, randomness=self._randomness),
            etag=new_etag(self._randomness),
            created_date_time_utc=stored.created_date_time_utc if stored else now,
            last_updated_date_time_utc=now,
        )

    async def _check_room(self, service_id: ServiceId) -> None:
        if len(await self._storage.enrollments.groups(service_id, after="", limit=MAX_GROUPS)) >= MAX_GROUPS:
            raise HomeportError(
                errors.INVALID_REQUEST,
                f"There are {MAX_GROUPS} groups, the most that a service may have; use individual enrollments.",
                cause="too_many_groups",
            )

    async def _write(
        self, service_id: ServiceId, group_id: EnrollmentGroupId, *changes: Change, kind: str, actor: str
    ) -> Sequence[ServiceEvent]:
        deed = Deed(
            service_id=service_id,
            kind=kind,
            actor=actor,
            at=self._clock.now(),
            detail={"enrollmentGroupId": group_id},
        )
        await self._storage.apply([*changes, deed.audit()])
        return (deed.event(),)


def _refusal(identifier: str, error: HomeportError) -> BulkOperationError:
    return BulkOperationError(enrollment_group_id=identifier, error_code=error.row.code, error_status=error.message)
