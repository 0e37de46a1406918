"""Attestation by symmetric key: does this SAS token prove this registration ID, and to which entry?

An individual enrollment of that ID decides alone; without one, the groups are tried, each with the keys derived
for the ID. Pure: the caller has read the entries. The comparison of signatures is constant-time
(`security/sas.py`); what is told to the device is the class of the failure, and `cause` names it exactly.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    EnrollmentReference,
    SymmetricKeyAttestation,
    SymmetricKeyCredential,
)
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.identifiers import RegistrationId, folded
from homeport.security.key_derivation import derive_device_key, encode_key
from homeport.security.sas import SasMalformed, SasToken, decode_key, parse_sas_token

DEVICE_KEY_NAMES = frozenset({None, "", "registration"})
"""What devices send as `skn`: nothing (Python, embedded C), an empty text (Java) or this name (all others)."""


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """An entry's two keys, decoded."""

    primary: bytes
    secondary: bytes

    def signed(self, token: SasToken) -> bool:
        """Whether either key made the token."""
        return token.is_signed_by(self.primary) or token.is_signed_by(self.secondary)

    def derived_signed(self, token: SasToken, registration_id: RegistrationId) -> bool:
        """Whether a key derived from either made the token; the second is derived only if the first did not."""
        return token.is_signed_by(derive_device_key(self.primary, registration_id)) or token.is_signed_by(
            derive_device_key(self.secondary, registration_id)
        )

    def derived(self, registration_id: RegistrationId) -> "KeyPair":
        """The device's own pair below a group's."""
        return KeyPair(
            primary=derive_device_key(self.primary, registration_id),
            secondary=derive_device_key(self.secondary, registration_id),
        )

    def credential(self) -> SymmetricKeyCredential:
        """The pair as what opens the hub."""
        return SymmetricKeyCredential(primary_key=encode_key(self.primary), secondary_key=encode_key(self.secondary))

    def __repr__(self) -> str:
        return "KeyPair(…)"


class CandidateGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A symmetric-key group ready to be tried: its entry, and its keys decoded once."""

    group: EnrollmentGroup
    keys: KeyPair


def key_pair(mechanism: AttestationMechanism) -> KeyPair:
    """The decoded keys of a stored mechanism, which always holds both."""
    keys = mechanism.symmetric_key or SymmetricKeyAttestation()
    return KeyPair(primary=decode_key(keys.primary_key or ""), secondary=decode_key(keys.secondary_key or ""))


def candidates(groups: Sequence[EnrollmentGroup]) -> tuple[CandidateGroup, ...]:
    """The groups that attest by symmetric key, their keys decoded."""
    return tuple(
        CandidateGroup(group=group, keys=key_pair(group.attestation))
        for group in groups
        if group.attestation.type is AttestationType.SYMMETRIC_KEY
    )


def read_token(text: str, *, id_scope: str, registration_id: RegistrationId, now: datetime) -> SasToken:
    """Parse a device's token and check everything about it but its signature.

    Raises:
        HomeportError: ATTESTATION_FAILED; malformed, expired, for another resource or with a foreign key name.
    """
    try:
        token = parse_sas_token(text)
    except SasMalformed as error:
        raise _refused(f"The SAS token is malformed: {error}.", "sas_malformed") from None
    if token.is_expired(now.timestamp()):
        raise _refused("The SAS token has expired; check the device's clock.", "sas_expired")
    if folded(token.decoded_resource) != folded(f"{id_scope}/registrations/{registration_id}"):
        raise _refused(
            "The SAS token is for another resource; sign {idScope}/registrations/{registrationId}.", "sas_resource"
        )
    if token.key_name not in DEVICE_KEY_NAMES:
        raise _refused("The SAS token names a key; a device's key name is 'registration'.", "sas_key_name")
    return token


def attest_individual(token: SasToken, enrollment: IndividualEnrollment) -> EnrollmentReference:
    """The individual enrollment of this registration ID decides.

    Raises:
        HomeportError: ATTESTATION_FAILED. Whether the entry is disabled is the caller's to see.
    """
    if key_pair(enrollment.attestation).signed(token):
        return EnrollmentReference()
    raise _refused(
        "The SAS token is not signed with a key of the individual enrollment of this registration ID.", "wrong_key"
    )


def attest_member(
    token: SasToken, registration_id: RegistrationId, groups: Sequence[CandidateGroup]
) -> EnrollmentReference:
    """The first group one of whose derived keys made the token decides.

    Raises:
        HomeportError: ENROLLMENT_NOT_FOUND where there are no groups, else ATTESTATION_FAILED.
    """
    if not groups:
        raise HomeportError(
            errors.ENROLLMENT_NOT_FOUND,
            "There is no individual enrollment with this registration ID, and no enrollment group to vouch for it.",
            cause="unknown_registration_id",
        )
    for candidate in groups:
        if candidate.keys.derived_signed(token, registration_id):
            return EnrollmentReference(enrollment_group_id=candidate.group.enrollment_group_id)
    raise _stranger(token, groups)


def _stranger(token: SasToken, groups: Sequence[CandidateGroup]) -> HomeportError:
    if any(candidate.keys.signed(token) for candidate in groups):
        return _refused(
            "The SAS token is signed with an enrollment group's own key; derive the device's key from it.",
            "group_key_itself",
        )
    return _refused(
        "There is no individual enrollment with this registration ID, and the SAS token is not signed with a key "
        "derived for it from an enrollment group.",
        "no_entry_fits",
    )


def _refused(detail: str, cause: str) -> HomeportError:
    return HomeportError(errors.ATTESTATION_FAILED, detail, cause=cause)
