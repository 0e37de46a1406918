"""What an endorsement certificate must be; the way of a real one is in tests/unit/cli/test_endorsement.py."""

import pytest
from cryptography import x509
from tests.pki import CLIENT_AUTH, EXPIRED, NOW, VALID, Extensions, Identity, Validity, key_usage, make_key, make_root

from homeport.security.certificates import Certificate, parse_certificate
from homeport.security.chain_refusals import ChainRefused
from homeport.security.endorsement_certificate import certifies, check_maker, endorsement_key_of
from homeport.security.tpm_credential import parse_public

EK_USAGE = x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.23.133.8.1")])
ENCIPHER = key_usage("key_encipherment")
PAPERS: Extensions = [(EK_USAGE, False), (ENCIPHER, True)]
ROOT = make_root("TPM Maker")
LINE = ROOT.intermediate("TPM Maker, line 1", extensions=[(EK_USAGE, False)])


def read(*identities: Identity) -> list[Certificate]:
    return [parse_certificate(identity.der) for identity in identities]


def certified(key: str = "RSA-2048", extensions: Extensions = PAPERS, valid: Validity = VALID) -> Certificate:
    return read(LINE.leaf("unknown", key=make_key(key), extensions=extensions, valid=valid))[0]


@pytest.mark.parametrize("makers", [[LINE], [ROOT, LINE]], ids=["intermediate", "root and intermediate"])
def test_the_nearest_of_the_makers_certificates_is_enough(makers: list[Identity]) -> None:
    assert check_maker(certified(), read(*makers), now=NOW).common_name == "TPM Maker, line 1"


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (certified(valid=EXPIRED), "expired"),
        (certified(extensions=[(CLIENT_AUTH, False), (ENCIPHER, True)]), "wrong_eku"),
        (certified(extensions=[(EK_USAGE, False), (key_usage("digital_signature"), True)]), "key_usage"),
        (read(make_root("Somebody").leaf("unknown"))[0], "missing_intermediate"),
    ],
)
def test_each_way_of_being_wrong_has_its_cause(wrong: Certificate, cause: str) -> None:
    with pytest.raises(ChainRefused) as refused:
        check_maker(wrong, read(ROOT, LINE), now=NOW)
    assert refused.value.cause.value == cause


def test_the_key_is_written_as_a_tpm_shows_it() -> None:
    certificate = certified()
    public = endorsement_key_of(certificate)
    assert parse_public(public).key == certificate.parsed.public_key()
    assert certifies(certificate, public)
    assert not certifies(read(LINE)[0], public)


@pytest.mark.parametrize("key", ["P-256", "RSA-3072"])
def test_a_key_that_no_credential_can_be_made_for_is_refused(key: str) -> None:
    with pytest.raises(ChainRefused, match="key is not accepted"):
        endorsement_key_of(certified(key))
