"""Which TPM this is, and whether it holds its keys. That a real TPM opens what is made for it is tested elsewhere."""

import base64
from datetime import timedelta

import pytest
from tests.tpm.public_keys import EK, OTHER_EK, SRK
from tests.unit.administration.world import individual, refused
from tests.unit.provisioning.attestation.test_symmetric_key import ID, NOW, signed

from homeport import errors
from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    IssuedChallenge,
    TpmAttestation,
    TpmEvidence,
)
from homeport.model.enrollment import IndividualEnrollment
from homeport.model.identifiers import ServiceId
from homeport.provisioning.attestation import tpm
from homeport.security.sas import parse_sas_token

KEY = bytes(range(32))


def enrolled(endorsement_key: bytes = EK) -> IndividualEnrollment:
    known = TpmAttestation(endorsement_key=base64.b64encode(endorsement_key).decode())
    return individual(ID, attestation=AttestationMechanism(type=AttestationType.TPM, tpm=known))


def challenge(**fields: object) -> IssuedChallenge:
    return IssuedChallenge(
        **{
            "service_id": ServiceId(1),
            "registration_id": ID,
            "key": KEY,
            "endorsement_key": EK,
            "storage_root_key": SRK,
            "expires_at": NOW + timedelta(minutes=1),
            **fields,
        }
    )


def test_the_keys_of_the_enrollment_are_taken() -> None:
    assert tpm.check_keys(enrolled(), EK, SRK) == TpmEvidence(endorsement_key=EK, storage_root_key=SRK)


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        ((None, None), "tpm_keys_missing"),
        ((EK, None), "tpm_keys_missing"),
        ((OTHER_EK, SRK), "wrong_endorsement_key"),
        ((EK, SRK[:-1]), "malformed_storage_root_key"),
        ((EK, SRK + b"\0"), "malformed_storage_root_key"),
    ],
)
def test_other_keys_are_refused(shown: tuple[bytes | None, bytes | None], cause: str) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        tpm.check_keys(enrolled(), *shown)
    assert refusal.value.cause == cause


def test_an_endorsement_key_that_no_credential_can_be_made_for_is_told() -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        tpm.check_keys(enrolled(EK[:-1]), EK[:-1], SRK)
    assert refusal.value.cause == "malformed_endorsement_key"


def test_a_token_signed_with_the_challenges_key_proves_the_tpm() -> None:
    token = parse_sas_token(signed(KEY))
    assert tpm.attest(token, enrolled(), challenge(), now=NOW).endorsement_key == EK


@pytest.mark.parametrize(
    ("issued", "cause"),
    [
        (None, "tpm_no_challenge"),
        (challenge(expires_at=NOW), "tpm_no_challenge"),
        (challenge(key=bytes(32)), "tpm_wrong_key"),
        (challenge(endorsement_key=OTHER_EK), "wrong_endorsement_key"),
    ],
)
def test_what_is_no_answer_is_told_apart(issued: IssuedChallenge | None, cause: str) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        tpm.attest(parse_sas_token(signed(KEY)), enrolled(), issued, now=NOW)
    assert refusal.value.cause == cause
