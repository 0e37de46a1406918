"""Remembers why devices were refused: in memory first, in storage a moment later.

A refusal's answer does not wait for this, and a crash may lose the last second of it: it is no acknowledged write.
Only the newest failure of a registration ID is kept. Whoever knocks with invented IDs can push out only the failures
of other IDs without a subject, here and in storage.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from homeport import errors
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.identifiers import RegistrationId, ServiceId, folded
from homeport.storage.changes import PutAttestationFailures
from homeport.storage.port import Storage

MAX_WAITING = 1024
"""Failures of each kind that one flush may write; some ten milliseconds in the writer's thread."""
_ATTESTATION = frozenset({errors.ATTESTATION_FAILED, errors.ENROLLMENT_DISABLED, errors.ENROLLMENT_NOT_FOUND})


class _Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as the edge knows it: the ID scope is still to be looked up."""

    id_scope: str
    registration_id: RegistrationId
    occurred_at: datetime
    error: HomeportError
    transport: str
    correlation_id: str

    def at(self, service_id: ServiceId) -> AttestationFailure:
        """The failure as it is stored."""
        return AttestationFailure(
            service_id=service_id,
            registration_id=self.registration_id,
            occurred_at=self.occurred_at,
            is_known=bool(self.error.subject),
            error_code=self.error.row.code,
            cause=self.error.cause,
            message=self.error.message,
            facts=_bounded(self.error.facts),
            transport=self.transport,
            correlation_id=self.correlation_id,
        )


class AttestationFailures:
    """The failures of one process that are still to be written: of subjects, and of IDs that have none."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._waiting: dict[bool, dict[tuple[str, str], _Noted]] = {True: {}, False: {}}

    def note(
        self,
        error: HomeportError,
        *,
        id_scope: str,
        registration_id: RegistrationId,
        transport: str,
        correlation_id: str,
    ) -> None:
        """A device was refused with `error`; ignores what is no failure of its proof."""
        if error.row not in _ATTESTATION:
            return
        waiting = self._waiting[bool(error.subject)]
        key = (folded(id_scope), folded(registration_id))
        waiting.pop(key, None)
        if len(waiting) >= MAX_WAITING:
            del waiting[next(iter(waiting))]  # The oldest.
        waiting[key] = _Noted(
            id_scope=key[0],
            registration_id=registration_id,
            # Not when it is written: a success may lie between, and is the newer one.
            occurred_at=self._clock.now(),
            error=error,
            transport=transport,
            correlation_id=correlation_id,
        )

    async def flush(self) -> bool:
        """Write what waits; False, since there is nothing to be done at once.

        Raises:
            StorageUnavailable: nothing was written, and what waited is given up.
        """
        waiting = [*self._waiting[True].values(), *self._waiting[False].values()]
        if not waiting:
            return False
        self._waiting = {True: {}, False: {}}
        services = {folded(service.id_scope): service.service_id for service in await self._storage.settings.services()}
        failures = tuple(noted.at(services[noted.id_scope]) for noted in waiting if noted.id_scope in services)
        if failures:
            await self._storage.apply([PutAttestationFailures(failures=failures)])
        return False


def _bounded(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:256] for name, value in list(facts.items())[:16]}
