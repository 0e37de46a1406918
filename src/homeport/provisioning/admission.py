"""Who stands before us: from ID scope, registration ID and proof to the entry that vouches for the device.

The one read of every device request happens here. Counterparts: `attestation/` decides whether the proof
holds, `registration.py` and `assignment.py` act on what is admitted. A proof that a connection carries, or that held
a moment ago (`held_proofs.py`), is not checked again, but the entry is: one that was disabled or deleted meanwhile no
longer vouches.
"""

from datetime import datetime

import msgspec

from homeport import errors
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.model.attestation import (
    AttestationType,
    AttestedIdentity,
    EnrollmentReference,
    Evidence,
    IssuedChallenge,
    PresentedCredential,
    Proof,
    TpmEvidence,
)
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment, ProvisioningStatus
from homeport.model.identifiers import RegistrationId, ServiceId, folded
from homeport.model.provisioning_service import ProvisioningService
from homeport.provisioning.attestation import symmetric_key, tpm, x509
from homeport.provisioning.attestation.symmetric_key import CandidateGroup
from homeport.provisioning.candidates import CandidateCache, Candidates
from homeport.provisioning.held_proofs import HeldProof, HeldProofs, end_of, proof_key
from homeport.security.sas import SasToken
from homeport.storage.port import RegistrationContext, Storage


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A device whose proof holds: its identity, the entry that vouches for it, what is stored of it.

    `challenge` is the one that a TPM has answered with this request.
    """

    service: ProvisioningService
    identity: AttestedIdentity
    entry: IndividualEnrollment | EnrollmentGroup
    context: RegistrationContext
    challenge: IssuedChallenge | None = None


class DisabledEntry(Exception):
    """A device proved itself to a disabled entry; the record has to say so before the refusal leaves."""

    def __init__(self, identity: AttestedIdentity, context: RegistrationContext) -> None:
        self.refusal = HomeportError(errors.ENROLLMENT_DISABLED, cause="disabled", subject=context.subject_key or "")
        super().__init__(self.refusal.message)
        self.identity = identity
        self.context = context


class ChallengeNeeded(Exception):
    """A TPM has shown the public keys that its enrollment names; now it has to show that it holds them."""

    def __init__(self, service: ProvisioningService, registration_id: RegistrationId, keys: TpmEvidence) -> None:
        super().__init__("a TPM is to be challenged")
        self.service = service
        self.registration_id = registration_id
        self.keys = keys


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """A credential, and all that is known when it is judged."""

    service: ProvisioningService
    registration_id: RegistrationId
    credential: PresentedCredential
    context: RegistrationContext
    now: datetime
    challenge: IssuedChallenge | None = None

    def token(self) -> SasToken:
        """The SAS token, judged in all but its signature."""
        text = self.credential.sas_token
        if text is None:
            raise HomeportError(
                errors.ATTESTATION_FAILED, "The device presented no SAS token; send one.", cause="no_credential"
            )
        return symmetric_key.read_token(
            text, id_scope=self.service.id_scope, registration_id=self.registration_id, now=self.now
        )

    def held(
        self, kind: AttestationType, group_id: str | None = None, *, until: float, evidence: Evidence | None = None
    ) -> HeldProof:
        """The outcome of a proof that held."""
        identity = AttestedIdentity(
            service_id=self.service.service_id,
            registration_id=self.registration_id,
            attestation_type=kind,
            enrollment=EnrollmentReference(enrollment_group_id=group_id),
            evidence=evidence,
        )
        return HeldProof(identity=identity, until=until)


class Admission:
    """Reads once and asks attestation. Caches services and groups; the read itself says when groups changed."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._services: dict[str, ProvisioningService] = {}
        self._candidates = CandidateCache(storage)
        self._held = HeldProofs()

    async def admit(self, id_scope: str, registration_id: RegistrationId, proof: Proof) -> Admitted:
        """Read what is stored and decide whether the proof holds.

        Raises:
            HomeportError: a row of the catalogue, its `cause` exact and its `subject` set where one is known.
            DisabledEntry: the proof holds and the entry is disabled.
            ChallengeNeeded: a TPM's keys fit, and it has not shown yet that it holds them.
        """
        service = await self._service(id_scope)
        context = await self._storage.registrations.context(service.service_id, registration_id)
        candidates = await self._candidates.of(service.service_id, context) if context.enrollment is None else None
        try:
            if isinstance(proof, AttestedIdentity):
                return _admitted(service, proof, context=context, candidates=candidates)
            now, key = self._clock.now(), proof_key(service.service_id, registration_id, context, proof)
            if (identity := self._held.recall(key, context, now)) is not None:
                return _admitted(service, identity, context=context, candidates=candidates)
            request = _Request(
                service=service,
                registration_id=registration_id,
                credential=proof,
                context=context,
                now=now,
                challenge=await self._open_challenge(service.service_id, registration_id, context, proof),
            )
            held = _attest(request, candidates)
            self._held.remember(key, held, now)
            admitted = _admitted(service, held.identity, context=context, candidates=candidates)
            return (
                admitted
                if request.challenge is None
                else msgspec.structs.replace(admitted, challenge=request.challenge)
            )
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
        candidates = await self._candidates.of(service.service_id, context) if context.enrollment is None else None
        return _admitted(service, identity, context=context, candidates=candidates)

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

    async def _open_challenge(
        self,
        service_id: ServiceId,
        registration_id: RegistrationId,
        context: RegistrationContext,
        credential: PresentedCredential,
    ) -> IssuedChallenge | None:
        """What a TPM's token answers; a second read, for TPMs only."""
        entry = context.enrollment
        if entry is None or entry.attestation.type is not AttestationType.TPM or credential.sas_token is None:
            return None
        return await self._storage.registrations.tpm_challenge(service_id, registration_id)


def _attest(request: _Request, candidates: Candidates | None) -> HeldProof:
    enrollment = request.context.enrollment
    if enrollment is None:
        assert candidates is not None
        return _attest_member(request, candidates)
    try:
        return _INDIVIDUAL[enrollment.attestation.type](request, enrollment)
    except HomeportError:
        # Whatever else is wrong: who is shut out is told so, and a group cannot let him in by another door.
        if enrollment.provisioning_status is ProvisioningStatus.DISABLED:
            raise HomeportError(errors.ENROLLMENT_DISABLED, cause="disabled_unproven") from None
        raise


def _by_symmetric_key(request: _Request, enrollment: IndividualEnrollment) -> HeldProof:
    token = request.token()
    symmetric_key.attest_individual(token, enrollment)
    return request.held(AttestationType.SYMMETRIC_KEY, until=token.expiry)


def _by_certificate(request: _Request, enrollment: IndividualEnrollment) -> HeldProof:
    evidence = x509.attest_individual(
        request.credential.certificate_chain, enrollment, request.registration_id, now=request.now
    )
    return request.held(AttestationType.X509, until=end_of(evidence), evidence=evidence)


def _by_tpm(request: _Request, enrollment: IndividualEnrollment) -> HeldProof:
    credential = request.credential
    if credential.sas_token is None:
        keys = tpm.check_keys(enrollment, credential.endorsement_key, credential.storage_root_key)
        if enrollment.provisioning_status is ProvisioningStatus.DISABLED:
            raise HomeportError(errors.ENROLLMENT_DISABLED, cause="disabled_unproven")
        raise ChallengeNeeded(request.service, request.registration_id, keys)
    evidence = tpm.attest(request.token(), enrollment, request.challenge, now=request.now)
    return request.held(AttestationType.TPM, until=end_of(evidence), evidence=evidence)


_INDIVIDUAL = {
    AttestationType.SYMMETRIC_KEY: _by_symmetric_key,
    AttestationType.X509: _by_certificate,
    AttestationType.TPM: _by_tpm,
}


def _attest_member(request: _Request, candidates: Candidates) -> HeldProof:
    """A token speaks for itself; a certificate counts where there is none, since TLS may show one unasked."""
    chain = request.credential.certificate_chain
    if request.credential.sas_token is None and chain:
        group_id, evidence = x509.attest_member(chain, request.registration_id, candidates.x509, now=request.now)
        return request.held(AttestationType.X509, group_id, until=end_of(evidence), evidence=evidence)
    if request.credential.sas_token is None and request.credential.endorsement_key is not None:
        raise HomeportError(
            errors.ENROLLMENT_NOT_FOUND,
            "There is no individual enrollment with this registration ID, and a group cannot attest by TPM.",
            cause="unknown_registration_id",
        )
    groups = _likeliest_first(candidates.symmetric_key, request.context)
    token = request.token()
    reference = symmetric_key.attest_member(token, request.registration_id, groups)
    return request.held(AttestationType.SYMMETRIC_KEY, reference.enrollment_group_id, until=token.expiry)


def _likeliest_first(groups: tuple[CandidateGroup, ...], context: RegistrationContext) -> tuple[CandidateGroup, ...]:
    """The group that the device came through last time is tried first; two HMACs instead of two hundred."""
    last = context.record.enrollment_group_id if context.record else None
    if last is None or len(groups) < 2:
        return groups
    return tuple(sorted(groups, key=lambda candidate: candidate.group.enrollment_group_id != last))


def _admitted(
    service: ProvisioningService,
    identity: AttestedIdentity,
    *,
    context: RegistrationContext,
    candidates: Candidates | None,
) -> Admitted:
    entry = _vouching(identity, context, candidates)
    if entry.provisioning_status is ProvisioningStatus.DISABLED:
        raise DisabledEntry(identity, context)
    return Admitted(service=service, identity=identity, entry=entry, context=context)


def _vouching(
    identity: AttestedIdentity, context: RegistrationContext, candidates: Candidates | None
) -> IndividualEnrollment | EnrollmentGroup:
    """The entry, as long as it vouches by the mechanism that the device was proved with."""
    group_id = identity.enrollment.enrollment_group_id
    entry: IndividualEnrollment | EnrollmentGroup | None = context.enrollment
    if group_id is not None or entry is None:
        entry = candidates.groups.get(group_id or "") if candidates else None
    if entry is None or entry.attestation.type is not identity.attestation_type:
        raise HomeportError(
            errors.ATTESTATION_FAILED, "The enrollment that vouched for the device is gone.", cause="entry_gone"
        )
    return entry
