"""The public keys of an entry's TPM.

REST: TpmAttestation. Counterpart: `provisioning/attestation/tpm.py`. The keys are public: they are stored and shown as
they came. A storage root key is kept for those who read it back and not looked at: registration brings its own, since
clearing a TPM makes a new one.
"""

import base64
import binascii

from homeport.administration.enrollment_rules import invalid
from homeport.model.attestation import TpmAttestation
from homeport.security.tpm_credential import TpmKeyMalformed, parse_public

_PLACE = "attestation.tpm"


def completed(sent: TpmAttestation | None) -> TpmAttestation:
    """The keys, if they are such; an empty storage root key counts as absent.

    Raises:
        HomeportError: INVALID_BODY naming the field and the reason.
    """
    if sent is None or not sent.endorsement_key:
        raise invalid("An enrollment by tpm needs the TPM's endorsementKey.", f"{_PLACE}.endorsementKey")
    field = f"{_PLACE}.endorsementKey"
    _check_usable(_decoded(sent.endorsement_key, field), field)
    if sent.storage_root_key:
        _decoded(sent.storage_root_key, f"{_PLACE}.storageRootKey")
    return TpmAttestation(endorsement_key=sent.endorsement_key, storage_root_key=sent.storage_root_key or None)


def _decoded(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{field} is not base64.", field) from error


def _check_usable(public: bytes, field: str) -> None:
    try:
        parse_public(public)
    except TpmKeyMalformed as error:
        raise invalid(f"{field} is not the TPM2B_PUBLIC of an RSA key of 2,048 bits: {error}.", field) from error
