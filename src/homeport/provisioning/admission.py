"""Who stands before us: from ID scope, registration ID and proof to the entry that vouches for the device.

The one read of every device request happens here. Counterparts: `attestation/` decides whether the proof
holds, `registration.py` and `assignment.py` act on what is admitted. A proof that a connection carries is not
checked again, but the entry is: one that was disabled or deleted meanwhile no longer vouches.
"""

import msgspec

from homeport import errors
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.model.attestation import (
    AttestationType,
    AttestedIdentity,
    EnrollmentReference,
    PresentedCredential,
    Proof,
    SymmetricKeyCredential,
)
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment, ProvisioningStatus
from homeport.model.identifiers import RegistrationId, ServiceId, folded
from homeport.model.provisioning_service import ProvisioningService
from homeport.provisioning.attestation import symmetric_key
from homeport.provisioning.attestation.symmetric_key import CandidateGroup, KeyPair, key_pair
from homeport.storage.port import RegistrationContext, Storage


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A device whose proof holds: its identity, the entry that vouches for it and its keys, what is stored of it."""

    service: ProvisioningService
    identity: AttestedIdentity
    entry: IndividualEnrollment | EnrollmentGroup
    keys: KeyPair
    context: RegistrationContext

    @property
    def credential(self) -> SymmetricKeyCredential:
        """What will open the hub: the pair, or derived pair, that the device proved itself with."""
        if isinstance(self.entry, EnrollmentGroup):
            return self.keys.derived(self.identity.registration_id).credential()
        return self.keys.credential()


class DisabledEntry(Exception):
    """A device proved itself to a disabled entry; the record has to say so before the refusal leaves."""

    def __init__(self, identity: AttestedIdentity, context: RegistrationContext) -> None:
        self.refusal = HomeportError(errors.ENROLLMENT_DISABLED, cause="disabled", subject=context.subject_key or "")
        super().__init__(self.refusal.message)
        self.identity = identity
        self.context = context


class Admission:
    """Reads once and asks attestation. Caches services and groups; the read itself says when groups changed."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._services: dict[str, ProvisioningService] = {}
        self._groups: dict[ServiceId, tuple[int, tuple[CandidateGroup, ...]]] = {}

    async def admit(self, id_scope: str, registration_id: RegistrationId, proof: Proof) -> Admitted:
        """Read what is stored and decide whether the proof holds.

        Raises:
            HomeportError: a row of the catalogue, its `cause` exact and its `subject` set where one is known.
            DisabledEntry: the proof holds and the entry is disabled.
        """
        service = await self._service(id_scope)
        context = await self._storage.registrations.context(service.service_id, registration_id)
        groups = await self._candidates(service.service_id, context)
        try:
            return _decide(service, registration_id, proof, context=context, groups=groups, clock=self._clock)
        except HomeportError as refusal:
            refusal.subject = context.subject_key or ""
            raise

    async def service(self, service_id: ServiceId) -> ProvisioningService:
        """The service of a record that a worker has claimed."""
        services = await self._storage.settings.services()
        return next(service for service in services if service.service_id == service_id)

    async def reread(self, service: ProvisioningService, identity: AttestedIdentity) -> Admitted:
        """What vouches for a device now, for a worker that finishes its operation.

        Raises:
            HomeportError: the entry is gone.
            DisabledEntry: it is disabled by now.
        """
        context = await self._storage.registrations.context(service.service_id, identity.registration_id)
        groups = await self._candidates(service.service_id, context)
        return _admitted(service, identity, context=context, groups=groups)

    async def _service(self, id_scope: str) -> ProvisioningService:
        known = self._services.get(folded(id_scope))
        if known is not None:
            return known
        services = await self._storage.settings.services()
        self._services = {folded(service.id_scope): service for service in services}
        try:
            return self._services[folded(id_scope)]
        except KeyError:
            raise HomeportError(
                errors.ATTESTATION_FAILED, "No provisioning service here has this ID scope.", cause="unknown_id_scope"
            ) from None

    async def _candidates(self, service_id: ServiceId, context: RegistrationContext) -> tuple[CandidateGroup, ...]:
        if context.enrollment is not None:
            return ()
        version, groups = self._groups.get(service_id, (-1, ()))
        if version != context.groups_version:
            groups = symmetric_key.candidates(await self._storage.enrollments.candidate_groups(service_id))
            self._groups[service_id] = (context.groups_version, groups)
        return _likeliest_first(groups, context)


def _likeliest_first(groups: tuple[CandidateGroup, ...], context: RegistrationContext) -> tuple[CandidateGroup, ...]:
    """The group that the device came through last time is tried first; two HMACs instead of two hundred."""
    last = context.record.enrollment_group_id if context.record else None
    if last is None or len(groups) < 2:
        return groups
    return tuple(sorted(groups, key=lambda candidate: candidate.group.enrollment_group_id != last))


def _decide(
    service: ProvisioningService,
    registration_id: RegistrationId,
    proof: Proof,
    *,
    context: RegistrationContext,
    groups: tuple[CandidateGroup, ...],
    clock: Clock,
) -> Admitted:
    if isinstance(proof, AttestedIdentity):
        return _admitted(service, proof, context=context, groups=groups)
    token = symmetric_key.read_token(
        _sas_token(proof), id_scope=service.id_scope, registration_id=registration_id, now=clock.now()
    )
    if context.enrollment is not None:
        reference = symmetric_key.attest_individual(token, context.enrollment)
    else:
        reference = symmetric_key.attest_member(token, registration_id, groups)
    identity = AttestedIdentity(
        service_id=service.service_id,
        registration_id=registration_id,
        attestation_type=AttestationType.SYMMETRIC_KEY,
        enrollment=reference,
    )
    return _admitted(service, identity, context=context, groups=groups)


def _sas_token(credential: PresentedCredential) -> str:
    if credential.sas_token is None:
        raise HomeportError(
            errors.ATTESTATION_FAILED, "The device presented no SAS token; send one.", cause="no_credential"
        )
    return credential.sas_token


def _admitted(
    service: ProvisioningService,
    identity: AttestedIdentity,
    *,
    context: RegistrationContext,
    groups: tuple[CandidateGroup, ...],
) -> Admitted:
    entry, keys = _vouching(identity.enrollment, context, groups)
    if entry.provisioning_status is ProvisioningStatus.DISABLED:
        raise DisabledEntry(identity, context)
    return Admitted(service=service, identity=identity, entry=entry, keys=keys, context=context)


def _vouching(
    reference: EnrollmentReference,
    context: RegistrationContext,
    groups: tuple[CandidateGroup, ...],
) -> tuple[IndividualEnrollment | EnrollmentGroup, KeyPair]:
    group_id = reference.enrollment_group_id
    if group_id is None and context.enrollment is not None:
        return context.enrollment, key_pair(context.enrollment.attestation)
    for candidate in groups:
        if candidate.group.enrollment_group_id == group_id:
            return candidate.group, candidate.keys
    raise HomeportError(
        errors.ATTESTATION_FAILED, "The enrollment that vouched for the device is gone.", cause="entry_gone"
    )
