"""What opens the hub: what the device proved itself with, one function a mechanism.

Pure, but for the key that a TPM is given: randomness comes in. Counterpart: `assignment.py`.
"""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from homeport.clock import Randomness
from homeport.model.attestation import (
    AttestationType,
    Evidence,
    HubCredential,
    SymmetricKeyCredential,
    TpmEvidence,
    X509Credential,
    X509Evidence,
)
from homeport.model.enrollment import EnrollmentGroup
from homeport.provisioning.admission import Admitted
from homeport.provisioning.attestation.symmetric_key import key_pair
from homeport.security.key_derivation import encode_key
from homeport.security.tpm_credential import make_credential_blob

_TPM_KEY_BYTES = 32


class HubAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The credential for the hub, and the evidence as the record keeps it."""

    credential: HubCredential
    evidence: Evidence | None = None


def hub_access(admitted: Admitted, resource: str, randomness: Randomness) -> HubAccess:
    """How the device will open its hub; `resource` is `{hub}/devices/{deviceId}`."""
    return _BY_TYPE[admitted.identity.attestation_type](admitted, resource, randomness)


def _by_symmetric_key(admitted: Admitted, resource: str, randomness: Randomness) -> HubAccess:
    keys = key_pair(admitted.entry.attestation)
    if isinstance(admitted.entry, EnrollmentGroup):
        keys = keys.derived(admitted.identity.registration_id)
    return HubAccess(credential=keys.credential())


def _by_certificate(admitted: Admitted, resource: str, randomness: Randomness) -> HubAccess:
    """Both certificates of an individual enrollment: a device that rolls need not come back before its hub lets it
    in. Of a group's device only the one that it showed is known."""
    evidence = admitted.identity.evidence
    assert isinstance(evidence, X509Evidence)
    shown = evidence.certificate.sha256_thumbprint
    x509 = admitted.entry.attestation.x509
    slots = x509.client_certificates if x509 else None
    pair = (slots.primary, slots.secondary) if slots else ()
    others = [slot.info.sha256_thumbprint for slot in pair if slot and slot.info]
    other = next((thumbprint for thumbprint in others if thumbprint != shown), None)
    return HubAccess(credential=X509Credential(primary_thumbprint=shown, secondary_thumbprint=other), evidence=evidence)


def _by_tpm(admitted: Admitted, resource: str, randomness: Randomness) -> HubAccess:
    """A fresh key, which reaches the device in a blob that only its TPM can open."""
    evidence = admitted.identity.evidence
    assert isinstance(evidence, TpmEvidence)
    key = randomness.token(_TPM_KEY_BYTES)
    blob = make_credential_blob(
        evidence.endorsement_key, evidence.storage_root_key, key, resource, random=randomness.token
    )
    text = encode_key(key)
    return HubAccess(
        credential=SymmetricKeyCredential(primary_key=text, secondary_key=text),
        evidence=replace(evidence, authentication_key=blob),
    )


_BY_TYPE: dict[AttestationType, Callable[[Admitted, str, Randomness], HubAccess]] = {
    AttestationType.SYMMETRIC_KEY: _by_symmetric_key,
    AttestationType.X509: _by_certificate,
    AttestationType.TPM: _by_tpm,
}
