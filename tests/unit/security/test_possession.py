"""A proof shows that the CA's key was there, and nothing else does."""

import pytest
from cryptography import x509
from tests.pki import NOW, Authority, make_key, make_root

from homeport.security.certificates import Certificate, parse_certificate
from homeport.security.possession import NotProven, check_possession, sign_proof

CODE = "5EED" * 12


def proof_by(authority: Authority, code: str = CODE) -> Certificate:
    return parse_certificate(sign_proof(authority.certificate, authority.key, code, NOW))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "RSA-2048", "Ed25519"])
def test_what_the_one_side_signs_convinces_the_other(kind: str) -> None:
    root = make_root(key=make_key(kind))
    check_possession(proof_by(root), parse_certificate(root.der), CODE)


def test_an_intermediate_proves_itself() -> None:
    line = make_root().intermediate("Line 1", path_length=0)
    check_possession(proof_by(line), parse_certificate(line.der), CODE)


def test_a_proof_as_openssl_makes_it() -> None:
    root = make_root()
    check_possession(parse_certificate(root.leaf(CODE).der), parse_certificate(root.der), CODE)


@pytest.mark.parametrize("code", ["", CODE.lower(), CODE[:-1], CODE + "0"])
def test_a_proof_for_another_code_is_none(code: str) -> None:
    root = make_root()
    with pytest.raises(NotProven, match="verification code"):
        check_possession(proof_by(root), parse_certificate(root.der), code)


def test_a_proof_of_another_ca_is_none() -> None:
    with pytest.raises(NotProven, match="issuer is 'CN=Other"):
        check_possession(proof_by(make_root("Other")), parse_certificate(make_root("Acme").der), CODE)


def test_a_ca_of_the_same_name_with_another_key_proves_nothing() -> None:
    for other in (make_root(), make_root(key=make_key("RSA-2048"))):
        with pytest.raises(NotProven, match="not signed with the CA's key"):
            check_possession(proof_by(make_root()), parse_certificate(other.der), CODE)


def test_the_ca_itself_is_no_proof() -> None:
    root = make_root(CODE).intermediate(CODE)
    with pytest.raises(NotProven):
        check_possession(parse_certificate(root.der), parse_certificate(root.der), CODE)


def test_certificate_and_key_must_belong_together() -> None:
    with pytest.raises(NotProven, match="belong together"):
        sign_proof(make_root().certificate, make_root().key, CODE, NOW)


def test_a_proof_is_good_for_nothing_else() -> None:
    proof = proof_by(make_root()).parsed
    assert proof.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert proof.not_valid_before_utc < NOW < proof.not_valid_after_utc
