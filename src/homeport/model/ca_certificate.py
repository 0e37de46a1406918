"""CA certificates of a service: what enrollment groups may name in `caReferences`, and whether somebody has shown
that the CA is theirs.

REST (management): CertificateResponse. Counterpart: `administration/ca_certificates.py`.
"""

import enum
from datetime import datetime

import msgspec

from homeport.model.attestation import X509CertificateInfo
from homeport.model.identifiers import ETag, ServiceId


class Verification(enum.StrEnum):
    """How it was made sure that the CA belongs to whoever administers the service."""

    PROOF = "proof"
    STATEMENT = "statement"


class CaCertificate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One CA certificate of a service; devices are let in through it only once it `is_verified`.

    `certificate` is DER. `verified_because` is the reason that an administrator has stated in place of a proof.
    `verification_code` waits for a proof until `verification_code_expires_at`, and for one only. Names are compared
    as they are written.
    """

    service_id: ServiceId
    name: str
    certificate: bytes
    info: X509CertificateInfo
    etag: ETag
    created_at: datetime
    updated_at: datetime
    verified_by: Verification | None = None
    verified_because: str | None = None
    verification_code: str | None = None
    verification_code_expires_at: datetime | None = None

    @property
    def is_verified(self) -> bool:
        """Whether groups may refer to it."""
        return self.verified_by is not None
