"""Registration records as an administrator sees them: show, delete, list those of a group.

REST: Device Registration State operations. Records are made by devices (`provisioning/registration.py`) and never
edited here. Deleting one leaves the enrollment: the device may register again, as if for the first time.
"""

from collections.abc import Sequence

from homeport import errors
from homeport.administration.paging import Page, page_of
from homeport.administration.preconditions import check_match
from homeport.administration.trail import Deed
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import EnrollmentGroupId, ETag, RegistrationId, ServiceId, folded
from homeport.model.registration import DeviceRegistrationState, RegistrationRecord
from homeport.model.registration_views import service_view
from homeport.storage.changes import DeleteRegistration
from homeport.storage.port import Storage
from homeport.storage.settling import settled


class Registrations:
    """The verbs on registration records; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def show(
        self, service_id: ServiceId, registration_id: RegistrationId
    ) -> tuple[DeviceRegistrationState, Sequence[ServiceEvent]]:
        """One record.

        Raises:
            HomeportError: REGISTRATION_NOT_FOUND.
        """
        return service_view(await self._existing(service_id, registration_id)), ()

    async def page_of_group(
        self, service_id: ServiceId, group_id: EnrollmentGroupId, *, after: str, limit: int
    ) -> tuple[Page[DeviceRegistrationState], Sequence[ServiceEvent]]:
        """The records that came through a group, behind the registration ID `after`.

        A deleted group whose records were kept still lists them.

        Raises:
            HomeportError: ENROLLMENT_NOT_FOUND if there are neither records nor the group.
        """
        rows = await self._storage.registrations.of_group(service_id, group_id, after=after, limit=limit + 1)
        if not rows and await self._storage.enrollments.group(service_id, group_id) is None:
            raise HomeportError(errors.ENROLLMENT_NOT_FOUND)
        states = [service_view(row) for row in rows]
        return page_of(states, limit=limit, key=lambda state: folded(state.registration_id)), ()

    async def delete(
        self, service_id: ServiceId, registration_id: RegistrationId, *, if_match: ETag | None = None, actor: str
    ) -> tuple[None, Sequence[ServiceEvent]]:
        """Delete one record; the enrollment and the hub's identity stay.

        Raises:
            HomeportError: REGISTRATION_NOT_FOUND, ETAG_MISMATCH.
        """

        async def attempt() -> tuple[None, Sequence[ServiceEvent]]:
            record = await self._existing(service_id, registration_id)
            check_match(record.etag, if_match)
            deed = Deed(
                service_id=service_id,
                kind="RegistrationDeleted",
                actor=actor,
                at=self._clock.now(),
                subject_key=record.subject_key,
            )
            removal = DeleteRegistration(service_id=service_id, registration_id=registration_id, expected=record.etag)
            await self._storage.apply([removal, deed.audit()])
            return None, (deed.event(),)

        return await settled(attempt)

    async def _existing(self, service_id: ServiceId, registration_id: RegistrationId) -> RegistrationRecord:
        record = await self._storage.registrations.record(service_id, registration_id)
        if record is None:
            raise HomeportError(errors.REGISTRATION_NOT_FOUND)
        return record
