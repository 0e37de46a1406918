"""CA certificates of a service: added once, verified, and named by enrollment groups.

REST (management): `certificates`. Verified is a CA whose key somebody has used to sign a certificate for a fresh
code, or for which an administrator has stated a reason; without it, whoever has seen a CA certificate could take in
the CA's devices. Deletion is always possible: groups that name the CA stay and let nobody in by it.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from homeport import errors
from homeport.administration.attestation.x509 import check_signing_certificate, read_certificate
from homeport.administration.preconditions import check_match
from homeport.administration.trail import Deed
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.ca_certificate import CaCertificate, Verification
from homeport.model.enrollment import EnrollmentGroup
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import EnrollmentGroupId, ETag, ServiceId, new_etag
from homeport.security.certificate_rules import check_signature_algorithm
from homeport.security.certificates import Certificate, certificate_info, parse_certificate
from homeport.security.possession import NotProven, check_possession
from homeport.storage.changes import Change, DeleteCaCertificate, PutCaCertificate
from homeport.storage.port import Storage
from homeport.storage.settling import settled

MAX_CA_CERTIFICATES = 100
"""CA certificates of one service. The hosted service stops at 25."""
CODE_LIFETIME = timedelta(hours=24)
"""How long a code waits for its proof: long enough for a CA that is kept in a safe."""
MAX_REASON = 200
"""Characters of a stated reason; it goes into the audit log."""

_CODE_BYTES = 24
_NAME = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a deletion leaves behind: the groups that still name the CA, and let nobody in by it."""

    groups: tuple[EnrollmentGroupId, ...]


class CaCertificates:
    """The verbs on CA certificates; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def list(self, service_id: ServiceId) -> tuple[Sequence[CaCertificate], Sequence[ServiceEvent]]:
        """All of the service, in the order of their names."""
        return await self._storage.enrollments.ca_certificates(service_id), ()

    async def show(self, service_id: ServiceId, name: str) -> tuple[CaCertificate, Sequence[ServiceEvent]]:
        """One, by its name as it was given.

        Raises:
            HomeportError: CA_CERTIFICATE_NOT_FOUND.
        """
        return _named(name, await self._storage.enrollments.ca_certificates(service_id)), ()

    async def add(
        self, service_id: ServiceId, name: str, certificate: str | bytes, *, because: str | None = None, actor: str
    ) -> tuple[CaCertificate, Sequence[ServiceEvent]]:
        """A CA certificate (PEM, DER, or base64 of either), verified already if a reason is stated.

        Raises:
            HomeportError: INVALID_REQUEST for a bad name or reason, or when there are too many; INVALID_BODY for what
                is no CA certificate; ALREADY_EXISTS.
        """
        added = self._new(service_id, name, read_certificate(certificate, "certificate", check_signing_certificate))
        if because is not None:
            added = _stated(added, because)

        async def attempt() -> tuple[CaCertificate, Sequence[ServiceEvent]]:
            stored = await self._storage.enrollments.ca_certificates(service_id)
            if any(each.name == name for each in stored):
                raise HomeportError(errors.ALREADY_EXISTS, "Delete it first, or choose another name.")
            if len(stored) >= MAX_CA_CERTIFICATES:
                most = f"There are {MAX_CA_CERTIFICATES} CA certificates, the most that a service may have; delete one."
                raise HomeportError(errors.INVALID_REQUEST, most, cause="too_many_ca_certificates")
            change = PutCaCertificate(certificate=added, expected=None)
            return added, await self._write(added, change, kind="CaCertificateAdded", actor=actor)

        return await settled(attempt)

    async def delete(
        self, service_id: ServiceId, name: str, *, if_match: ETag | None = None, actor: str
    ) -> tuple[Withdrawn, Sequence[ServiceEvent]]:
        """Delete it; devices are let in by it no longer.

        Raises:
            HomeportError: CA_CERTIFICATE_NOT_FOUND, ETAG_MISMATCH.
        """

        async def attempt() -> tuple[Withdrawn, Sequence[ServiceEvent]]:
            stored, _ = await self.show(service_id, name)
            check_match(stored.etag, if_match)
            change = DeleteCaCertificate(service_id=service_id, name=name, expected=stored.etag)
            groups = await self._storage.enrollments.candidate_groups(service_id)
            left = tuple(EnrollmentGroupId(each.enrollment_group_id) for each in groups if _refers(each, name))
            events = await self._write(stored, change, kind="CaCertificateDeleted", actor=actor)
            return Withdrawn(groups=left), events

        return await settled(attempt)

    async def request_code(
        self, service_id: ServiceId, name: str, *, if_match: ETag | None = None, actor: str
    ) -> tuple[CaCertificate, Sequence[ServiceEvent]]:
        """With a fresh verification code; one that was open is void.

        Raises:
            HomeportError: CA_CERTIFICATE_NOT_FOUND, ETAG_MISMATCH.
        """

        def with_code(stored: CaCertificate) -> CaCertificate:
            return replace(
                stored,
                verification_code=self._randomness.token(_CODE_BYTES).hex().upper(),
                verification_code_expires_at=self._clock.now() + CODE_LIFETIME,
            )

        return await self._change(
            service_id, name, with_code, if_match=if_match, kind="CaCertificateCodeRequested", actor=actor
        )

    async def verify(
        self, service_id: ServiceId, name: str, proof: str | bytes, *, if_match: ETag | None = None, actor: str
    ) -> tuple[CaCertificate, Sequence[ServiceEvent]]:
        """Verified by a certificate for the open code (its common name), signed by the CA. The code is used up.

        Raises:
            HomeportError: CA_CERTIFICATE_NOT_FOUND, ETAG_MISMATCH, INVALID_BODY for what is no certificate,
                PROOF_REFUSED with the reason.
        """
        presented = read_certificate(proof, "proof", check_signature_algorithm)

        def proven(stored: CaCertificate) -> CaCertificate:
            _check_proof(presented, stored, self._clock.now())
            return _verified(stored, Verification.PROOF)

        return await self._change(
            service_id, name, proven, if_match=if_match, kind="CaCertificateVerified", actor=actor
        )

    async def state_verified(
        self, service_id: ServiceId, name: str, *, because: str, if_match: ETag | None = None, actor: str
    ) -> tuple[CaCertificate, Sequence[ServiceEvent]]:
        """Verified on an administrator's word; the reason goes into the audit log.

        Raises:
            HomeportError: CA_CERTIFICATE_NOT_FOUND, ETAG_MISMATCH, INVALID_REQUEST for no reason or a long one.
        """

        def stated(stored: CaCertificate) -> CaCertificate:
            return _stated(stored, because)

        return await self._change(
            service_id, name, stated, if_match=if_match, kind="CaCertificateVerified", actor=actor
        )

    def _new(self, service_id: ServiceId, name: str, certificate: Certificate) -> CaCertificate:
        if not _NAME.fullmatch(name):
            rule = "A CA certificate's name has 1 to 64 letters, digits, '.', '_' or '-'."
            raise HomeportError(errors.INVALID_REQUEST, rule, info={"field": "name"})
        now = self._clock.now()
        return CaCertificate(
            service_id=service_id,
            name=name,
            certificate=certificate.der,
            info=certificate_info(certificate),
            etag=new_etag(self._randomness),
            created_at=now,
            updated_at=now,
        )

    async def _change(
        self,
        service_id: ServiceId,
        name: str,
        decide: Callable[[CaCertificate], CaCertificate],
        *,
        if_match: ETag | None,
        kind: str,
        actor: str,
    ) -> tuple[CaCertificate, Sequence[ServiceEvent]]:
        async def attempt() -> tuple[CaCertificate, Sequence[ServiceEvent]]:
            stored, _ = await self.show(service_id, name)
            check_match(stored.etag, if_match)
            changed = replace(decide(stored), etag=new_etag(self._randomness), updated_at=self._clock.now())
            change = PutCaCertificate(certificate=changed, expected=stored.etag)
            return changed, await self._write(changed, change, kind=kind, actor=actor)

        return await settled(attempt)

    async def _write(
        self, certificate: CaCertificate, change: Change, *, kind: str, actor: str
    ) -> Sequence[ServiceEvent]:
        detail = {"name": certificate.name, "sha256Thumbprint": certificate.info.sha256_thumbprint}
        if certificate.verified_by is not None:
            detail["verifiedBy"] = certificate.verified_by.value
        if certificate.verified_because is not None:
            detail["verifiedBecause"] = certificate.verified_because
        deed = Deed(service_id=certificate.service_id, kind=kind, actor=actor, at=self._clock.now(), detail=detail)
        await self._storage.apply([change, deed.audit()])
        return (deed.event(),)


def _named(name: str, certificates: Sequence[CaCertificate]) -> CaCertificate:
    found = next((each for each in certificates if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in certificates) or "none"
        raise HomeportError(errors.CA_CERTIFICATE_NOT_FOUND, f"None is called {name[:64]!r}. There are: {known}.")
    return found


def _refers(group: EnrollmentGroup, name: str) -> bool:
    references = group.attestation.x509.ca_references if group.attestation.x509 else None
    return references is not None and name in (references.primary, references.secondary)


def _check_proof(proof: Certificate, stored: CaCertificate, now: datetime) -> None:
    code, expires_at = stored.verification_code, stored.verification_code_expires_at
    if code is None or expires_at is None:
        raise HomeportError(errors.PROOF_REFUSED, "No verification code is open; request one.", cause="no_code")
    if now >= expires_at:
        raise HomeportError(
            errors.PROOF_REFUSED, "The verification code has expired; request another.", cause="expired"
        )
    try:
        check_possession(proof, parse_certificate(stored.certificate), code)
    except NotProven as error:
        raise HomeportError(errors.PROOF_REFUSED, str(error), cause="not_proven") from error


def _stated(certificate: CaCertificate, because: str) -> CaCertificate:
    if not because.strip() or len(because) > MAX_REASON or not because.isprintable():
        rule = f"Say in 1 to {MAX_REASON} printable characters why the CA is trusted without a proof."
        raise HomeportError(errors.INVALID_REQUEST, rule, info={"field": "because"})
    return _verified(certificate, Verification.STATEMENT, because)


def _verified(certificate: CaCertificate, how: Verification, because: str | None = None) -> CaCertificate:
    """Verified, and its code used up."""
    return replace(
        certificate,
        verified_by=how,
        verified_because=because,
        verification_code=None,
        verification_code_expires_at=None,
    )
