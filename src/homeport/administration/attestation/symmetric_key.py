"""The symmetric keys of an entry: its own, those that are stored, or fresh ones.

Source: the service's page on symmetric-key attestation. Counterpart: `provisioning/attestation/symmetric_key.py`.
"""

from homeport.administration.enrollment_rules import invalid
from homeport.clock import Randomness
from homeport.model.attestation import SymmetricKeyAttestation
from homeport.security.key_derivation import encode_key
from homeport.security.sas import SasMalformed, decode_key

_GENERATED_KEY_BYTES = 64
_KEY_BYTES = range(16, 65)


def completed(
    sent: SymmetricKeyAttestation | None, stored: SymmetricKeyAttestation | None, randomness: Randomness
) -> SymmetricKeyAttestation:
    """Both keys: those sent, else those stored, else fresh ones of 64 bytes.

    Raises:
        HomeportError: INVALID_BODY for a key that is not base64 of 16 to 64 bytes.
    """
    own = sent or SymmetricKeyAttestation()
    kept = stored or SymmetricKeyAttestation()
    return SymmetricKeyAttestation(
        primary_key=_checked(own.primary_key, "primaryKey") or kept.primary_key or _fresh(randomness),
        secondary_key=_checked(own.secondary_key, "secondaryKey") or kept.secondary_key or _fresh(randomness),
    )


def _checked(text: str | None, field: str) -> str | None:
    if not text:
        return None
    try:
        fits = len(decode_key(text)) in _KEY_BYTES
    except SasMalformed:
        fits = False
    if not fits:
        raise invalid(f"{field} must be base64 of 16 to 64 bytes; leave it out to have one made.", field)
    return text


def _fresh(randomness: Randomness) -> str:
    return encode_key(randomness.token(_GENERATED_KEY_BYTES))
