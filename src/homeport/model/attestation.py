"""How devices prove who they are: what an enrollment holds, what a device presents, what comes of it.

Counterpart: `provisioning/attestation/`, which decides. The structs double as the JSON of the service API.
"""

import enum

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


class AttestationMechanism(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: AttestationMechanism. X.509 and TPM bodies are refused before they reach this struct."""

    type: AttestationType
    symmetric_key: SymmetricKeyAttestation | None = None


class PresentedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What a device brought: a SAS token as text, a certificate chain (DER, leaf first), both or nothing."""

    sas_token: str | None = None
    certificate_chain: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "PresentedCredential(…)"


class EnrollmentReference(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that vouches for a device: a group, or else the individual enrollment of that registration ID."""

    enrollment_group_id: str | None = None


class AttestedIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a proof that held. A connection carries it, so that the proof is checked once."""

    service_id: ServiceId
    registration_id: RegistrationId
    attestation_type: AttestationType
    enrollment: EnrollmentReference


Proof = AttestedIdentity | PresentedCredential
"""HTTP brings the credential with each request; MQTT and AMQP prove once and carry the identity."""
