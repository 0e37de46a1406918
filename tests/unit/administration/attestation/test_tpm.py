"""The public keys of a TPM: which are taken, and that they stay as they came."""

import base64

import pytest
from tests.tpm.public_keys import endorsement_key, storage_root_key
from tests.unit.administration.world import refused

from homeport import errors
from homeport.administration.attestation.tpm import completed
from homeport.model.attestation import TpmAttestation

EK = endorsement_key()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def tpm(endorsement_key: str, storage_root_key: str | None = None) -> TpmAttestation:
    return TpmAttestation(endorsement_key=endorsement_key, storage_root_key=storage_root_key)


def test_both_keys_stay_as_they_came() -> None:
    both = tpm(text(EK), text(storage_root_key()))
    assert completed(both) == both


@pytest.mark.parametrize("absent", [None, ""])
def test_the_storage_root_key_may_be_absent(absent: str | None) -> None:
    assert completed(tpm(text(EK), absent)) == tpm(text(EK))


@pytest.mark.parametrize("sent", [None, tpm("")])
def test_the_endorsement_key_may_not(sent: TpmAttestation | None) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed(sent)
    assert caught.value.info["field"] == "attestation.tpm.endorsementKey"


@pytest.mark.parametrize(
    "wrong",
    [
        "no base64!",
        "AAAA",
        text(b"no public key of a TPM"),
        text(EK[2:]),
        text(EK[:-1]),
        text(EK + b"\0"),
        text(EK[:2] + b"\0\x23" + EK[4:]),
        text(endorsement_key(1024)),
        "\ud800",
    ],
)
def test_what_is_no_endorsement_key_is_refused(wrong: str) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed(tpm(wrong))
    assert caught.value.info["field"] == "attestation.tpm.endorsementKey"


def test_a_storage_root_key_is_base64_at_least() -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed(tpm(text(EK), "no base64!"))
    assert caught.value.info["field"] == "attestation.tpm.storageRootKey"
