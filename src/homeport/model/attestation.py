"""How devices prove who they are: what an enrollment holds, what a device presents, what comes of it.

Counterpart: `provisioning/attestation/`, which decides. The structs double as the JSON of the service API.
"""

import enum
from datetime import datetime

import msgspec

from homeport.model.identifiers import RegistrationId, ServiceId


class AttestationType(enum.StrEnum):
    """The `type` of an AttestationMechanism."""

    NONE = "none"
    TPM = "tpm"
    X509 = "x509"
    SYMMETRIC_KEY = "symmetricKey"


class SymmetricKeyAttestation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Two base64 keys. Absent on GET and query; present in PUT's answer and by attestationmechanism."""

    primary_key: str | None = None
    secondary_key: str | None = None

    def __repr__(self) -> str:
        return "SymmetricKeyAttestation(…)"


class X509CertificateInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: X509CertificateInfo. Complete or absent: Java and C# refuse a half one. Thumbprints in upper-case hex."""

    subject_name: str
    sha1_thumbprint: str
    sha256_thumbprint: str
    issuer_name: str
    not_before_utc: datetime
    not_after_utc: datetime
    serial_number: str
    version: int


class X509CertificateWithInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: X509CertificateWithInfo. `certificate` is base64 of DER; it comes in and does not go out again."""

    certificate: str | None = None
    info: X509CertificateInfo | None = None


class X509Certificates(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: X509Certificates. Either may be missing, not both."""

    primary: X509CertificateWithInfo | None = None
    secondary: X509CertificateWithInfo | None = None


class X509CaReferences(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: X509CAReferences, names of CA certificates of the service."""

    primary: str | None = None
    secondary: str | None = None


class X509Attestation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: X509Attestation. One of the three: client certificates of an individual enrollment, signing
    certificates or CA references of a group.

    `allow_expired_certificates` is ours: it lets devices in whose certificate, or whose CA's, has run out. In a body,
    None leaves it as it was; stored and shown it is true or absent, since the hosted service's clients know no such
    member.
    """

    client_certificates: X509Certificates | None = None
    signing_certificates: X509Certificates | None = None
    ca_references: X509CaReferences | None = None
    allow_expired_certificates: bool | None = None


class TpmAttestation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: TpmAttestation. Both keys are base64 of a TPM2B_PUBLIC; the storage root key is optional."""

    endorsement_key: str
    storage_root_key: str | None = None


class AttestationMechanism(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: AttestationMechanism."""

    type: AttestationType
    symmetric_key: SymmetricKeyAttestation | None = None
    x509: X509Attestation | None = None
    tpm: TpmAttestation | None = None


class PresentedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What a device brought: a SAS token as text, a certificate chain (DER, leaf first), its TPM's public keys
    (TPM2B_PUBLIC), several of them or nothing."""

    sas_token: str | None = None
    certificate_chain: tuple[bytes, ...] = ()
    endorsement_key: bytes | None = None
    storage_root_key: bytes | None = None

    def __repr__(self) -> str:
        return "PresentedCredential(…)"


class EnrollmentReference(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that vouches for a device: a group, or else the individual enrollment of that registration ID."""

    enrollment_group_id: str | None = None


class X509Evidence(msgspec.Struct, frozen=True, kw_only=True, tag="x509"):
    """What is kept of a certificate that proved a device: itself and, for a group, what the group is known by."""

    certificate: X509CertificateInfo
    signing_certificate: X509CertificateInfo | None = None


class TpmEvidence(msgspec.Struct, frozen=True, kw_only=True, tag="tpm"):
    """The public keys of the TPM that proved a device. `authentication_key` is the blob, readable by that TPM
    alone, with the key that opens the hub; made when the device is assigned."""

    endorsement_key: bytes
    storage_root_key: bytes
    authentication_key: bytes | None = None


Evidence = X509Evidence | TpmEvidence
"""What of a proof outlives it. A symmetric key leaves nothing."""


class TpmChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """A TPM has to show that it holds its keys: the blob holds the key that is to sign the SAS token."""

    authentication_key: bytes

    def __repr__(self) -> str:
        return "TpmChallenge(…)"


class IssuedChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is kept until the device answers: the key that its token must be signed with, and the
    TPM to which it was issued. One challenge is good for one registration; `spent_on` is that one's operation, or
    empty if a connection proved itself with it."""

    service_id: ServiceId
    registration_id: RegistrationId
    key: bytes
    endorsement_key: bytes
    storage_root_key: bytes
    expires_at: datetime
    spent_on: str | None = None

    def __repr__(self) -> str:
        return "IssuedChallenge(…)"


class SymmetricKeyCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The pair of base64 keys that opens the hub: the enrollment's own, those derived from the group's, or the one
    that was handed to a TPM, twice."""

    primary_key: str
    secondary_key: str

    def __repr__(self) -> str:
        return "SymmetricKeyCredential(…)"


class X509Credential(msgspec.Struct, frozen=True, kw_only=True):
    """The certificates that open the hub, by SHA-256 thumbprints (upper-case hex)."""

    primary_thumbprint: str
    secondary_thumbprint: str | None = None


HubCredential = SymmetricKeyCredential | X509Credential
"""What a device proved itself with, as what will open its hub."""


class AttestedIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a proof that held. A connection carries it, so that the proof is checked once."""

    service_id: ServiceId
    registration_id: RegistrationId
    attestation_type: AttestationType
    enrollment: EnrollmentReference
    evidence: Evidence | None = None


Proof = AttestedIdentity | PresentedCredential
"""HTTP brings the credential with each request; MQTT and AMQP prove once and carry the identity."""
