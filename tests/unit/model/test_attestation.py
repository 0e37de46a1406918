"""What holds a secret does not show it; JSON names are those of the REST interface."""

import msgspec
import pytest

from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    PresentedCredential,
    SymmetricKeyAttestation,
    SymmetricKeyCredential,
    TpmChallenge,
)

KEYS = SymmetricKeyAttestation(primary_key="PRIMARY", secondary_key="SECONDARY")
MECHANISM = AttestationMechanism(type=AttestationType.SYMMETRIC_KEY, symmetric_key=KEYS)


@pytest.mark.parametrize(
    "secret",
    [
        KEYS,
        MECHANISM,
        PresentedCredential(sas_token="SECRET", certificate_chain=(b"PRIMARY",)),
        SymmetricKeyCredential(primary_key="PRIMARY", secondary_key="SECONDARY"),
        TpmChallenge(authentication_key=b"SECRET"),
    ],
)
def test_secrets_are_not_shown(secret: object) -> None:
    for text in (repr(secret), str(secret), f"{secret}"):
        assert not {"PRIMARY", "SECONDARY", "SECRET"} & set(text.replace("'", " ").split())
        assert "PRIMARY" not in text


def test_the_mechanism_in_json() -> None:
    assert msgspec.json.encode(MECHANISM) == (
        b'{"type":"symmetricKey","symmetricKey":{"primaryKey":"PRIMARY","secondaryKey":"SECONDARY"}}'
    )
    assert msgspec.json.encode(AttestationMechanism(type=AttestationType.X509)) == b'{"type":"x509"}'
