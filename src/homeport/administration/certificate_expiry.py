"""Which certificates that devices descend from end soon, or have ended: CA certificates and groups' own.

Asked once a day by the composition root; `observability/reporter.py` warns. Individual enrollments' certificates are
not looked at: their number has no bound worth a daily walk, and each stops one device only.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from homeport.clock import Clock
from homeport.model.attestation import X509CertificateInfo
from homeport.model.enrollment import EnrollmentGroup
from homeport.model.events import CertificatesChecked, CertificateUse, ExpiringCertificate
from homeport.model.identifiers import ServiceId
from homeport.storage.port import EnrollmentReader, Storage

NOTICE = timedelta(days=30)
"""How long before its end a certificate is warned of: time to issue another and have it verified."""


class CertificateExpiry:
    """Looks through all services of the deployment."""

    def __init__(self, *, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def check(self) -> Sequence[CertificatesChecked]:
        """One event, also when there is nothing to warn of: it takes earlier warnings back."""
        horizon = self._clock.now() + NOTICE
        expiring = [
            certificate
            for service in await self._storage.settings.services()
            for certificate in await _certificates(self._storage.enrollments, service.service_id)
            if certificate.not_after <= horizon
        ]
        return (CertificatesChecked(expiring=tuple(sorted(expiring, key=lambda each: each.not_after))),)


async def _certificates(reader: EnrollmentReader, service_id: ServiceId) -> Iterable[ExpiringCertificate]:
    authorities = [
        _described(CertificateUse.CA_CERTIFICATE, each.name, each.info)
        for each in await reader.ca_certificates(service_id)
    ]
    signing = [
        _described(CertificateUse.SIGNING_CERTIFICATE, group.enrollment_group_id, info)
        for group in await reader.candidate_groups(service_id)
        for info in _signing_infos(group)
    ]
    return [*authorities, *signing]


def _signing_infos(group: EnrollmentGroup) -> Iterator[X509CertificateInfo]:
    certificates = group.attestation.x509.signing_certificates if group.attestation.x509 else None
    slots = (certificates.primary, certificates.secondary) if certificates else ()
    return (slot.info for slot in slots if slot is not None and slot.info is not None)


def _described(use: CertificateUse, holder: str, info: X509CertificateInfo) -> ExpiringCertificate:
    return ExpiringCertificate(
        use=use, holder=holder, sha256_thumbprint=info.sha256_thumbprint, not_after=info.not_after_utc
    )
