"""What an entry may say about how its devices prove themselves: how that is completed, and how much of it is shown.

Pure; one file per mechanism. Counterpart: `provisioning/attestation/`, which decides with what is stored here. A
mechanism keeps the member of its own type; others that a client sends along are dropped.
"""

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from homeport.administration.attestation import symmetric_key, tpm, x509
from homeport.administration.enrollment_rules import invalid, not_offered
from homeport.clock import Randomness
from homeport.model.attestation import AttestationMechanism, AttestationType
from homeport.model.ca_certificate import CaCertificate
from homeport.model.enrollment import Enrollment, EnrollmentGroup

E = TypeVar("E", bound=Enrollment)

_OFFERED = (AttestationType.SYMMETRIC_KEY, AttestationType.X509, AttestationType.TPM)
_NOTHING = AttestationMechanism(type=AttestationType.NONE)


def with_attestation(
    entry: E, stored: Enrollment | None, *, ca_certificates: Sequence[CaCertificate], randomness: Randomness
) -> E:
    """`entry` with all that its devices will be judged by: what it says, else what is `stored` (a GET hides keys and
    certificates), else what can be made.

    Raises:
        HomeportError: INVALID_BODY naming the field, NOT_OFFERED for a mechanism without a file here.
    """
    sent, is_group = entry.attestation, isinstance(entry, EnrollmentGroup)
    kept = stored.attestation if stored else _NOTHING
    mechanism = AttestationMechanism(type=sent.type)
    if sent.type is AttestationType.SYMMETRIC_KEY:
        keys = symmetric_key.completed(sent.symmetric_key, kept.symmetric_key, randomness)
        return replace(entry, attestation=replace(mechanism, symmetric_key=keys))
    if sent.type is AttestationType.X509 and is_group:
        trusted = x509.completed_group(sent.x509, kept.x509, ca_certificates)
        return replace(entry, attestation=replace(mechanism, x509=trusted))
    if sent.type is AttestationType.X509:
        return replace(entry, attestation=replace(mechanism, x509=x509.completed_individual(sent.x509, kept.x509)))
    if sent.type is AttestationType.TPM and not is_group:
        return replace(entry, attestation=replace(mechanism, tpm=tpm.completed(sent.tpm)))
    if sent.type is AttestationType.TPM:
        raise invalid("A group cannot attest by TPM; use symmetricKey or x509.", "attestation.type")
    choices = ", ".join(_OFFERED)
    raise not_offered(f"Attestation by {sent.type} is not offered; {choices} are.", "attestation.type", _OFFERED)


def names_ca_certificates(entry: Enrollment) -> bool:
    """Whether the service's CA certificates are needed to complete `entry`."""
    return entry.attestation.x509 is not None and entry.attestation.x509.ca_references is not None


def revealed(mechanism: AttestationMechanism) -> AttestationMechanism:
    """What a PUT's answer and `attestationmechanism` show: keys, and what is known of certificates, never those."""
    if mechanism.x509 is None:
        return mechanism
    return replace(mechanism, x509=x509.without_certificates(mechanism.x509))


def answered(entry: E) -> E:
    """`entry` as the answer to a PUT shows it."""
    return replace(entry, attestation=revealed(entry.attestation))


def shown(entry: E) -> E:
    """`entry` as GET and query show it: without symmetric keys, too."""
    return replace(entry, attestation=replace(revealed(entry.attestation), symmetric_key=None))
