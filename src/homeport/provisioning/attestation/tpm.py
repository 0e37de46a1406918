"""Attestation by TPM 2.0, in two steps: are these the keys of the enrollment, and does the device hold them?

The first is a comparison of public keys. The second is a challenge: a key that only that TPM can take out of its
blob, and a SAS token signed with it. Pure: the caller has read the entry and the challenge, and issues new ones
(`provisioning/tpm_challenges.py`). Sources: device-protocol notes, section D; `security/tpm_credential.py`.
"""

import base64
import binascii
import hmac
from datetime import datetime

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import IssuedChallenge, TpmAttestation, TpmEvidence
from homeport.model.enrollment import IndividualEnrollment
from homeport.security.sas import SasToken
from homeport.security.tpm_credential import TpmKeyMalformed, parse_public


def check_keys(
    enrollment: IndividualEnrollment, endorsement_key: bytes | None, storage_root_key: bytes | None
) -> TpmEvidence:
    """The public keys that a device shows (TPM2B_PUBLIC), if they are those of its enrollment.

    The storage root key is taken as it comes: clearing a TPM makes a new one, and the credential opens only in a TPM
    that holds both.

    Raises:
        HomeportError: ATTESTATION_FAILED, `cause` exact.
    """
    if endorsement_key is None or storage_root_key is None:
        raise _refused(
            "Show the TPM's endorsementKey and storageRootKey in the member tpm of the body.", "tpm_keys_missing"
        )
    known = enrollment.attestation.tpm or TpmAttestation(endorsement_key="")
    if not _is(endorsement_key, known.endorsement_key):
        raise _refused(
            "The endorsement key is not that of the individual enrollment of this registration ID.",
            "wrong_endorsement_key",
        )
    _check_usable(endorsement_key, "endorsement key", "malformed_endorsement_key")
    _check_usable(storage_root_key, "storage root key", "malformed_storage_root_key")
    return TpmEvidence(endorsement_key=endorsement_key, storage_root_key=storage_root_key)


def attest(
    token: SasToken, enrollment: IndividualEnrollment, challenge: IssuedChallenge | None, *, now: datetime
) -> TpmEvidence:
    """Whether the token answers the device's newest challenge, and that one was for the TPM of the enrollment.

    Raises:
        HomeportError: ATTESTATION_FAILED, `cause` exact.
    """
    if challenge is None or challenge.expires_at <= now:
        raise _refused(
            "There is no open challenge for this TPM; register without a token to get one.", "tpm_no_challenge"
        )
    if not token.is_signed_by(challenge.key):
        raise _refused("The SAS token is not signed with the key of the TPM's newest challenge.", "tpm_wrong_key")
    return check_keys(enrollment, challenge.endorsement_key, challenge.storage_root_key)


def _is(key: bytes, known: str) -> bool:
    """Compared as bytes: base64 has more than one spelling of them."""
    try:
        return hmac.compare_digest(key, base64.b64decode(known, validate=True))
    except (binascii.Error, ValueError):
        return False


def _check_usable(key: bytes, name: str, cause: str) -> None:
    try:
        parse_public(key)
    except TpmKeyMalformed as error:
        raise _refused(f"The {name} cannot be used: {error}.", cause) from error


def _refused(detail: str, cause: str) -> HomeportError:
    return HomeportError(errors.ATTESTATION_FAILED, detail, cause=cause)
