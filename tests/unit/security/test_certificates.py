"""Certificates in every form that administrators send, and what a handshake may bring."""

import base64
import contextlib
import textwrap
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.pki import broken_der, make_deep_chain, make_key, make_root, make_self_signed

from homeport.security.certificates import (
    MAX_DER,
    MAX_PRESENTED,
    CertificateMalformed,
    MalformedReason,
    certificate_info,
    parse_certificate,
    parse_chain,
)
from homeport.security.chain_refusals import ChainCause, ChainRefused

DEVICE = make_self_signed("device-1")
BASE64 = base64.b64encode(DEVICE.der).decode()

FORMS = {
    "DER": DEVICE.der,
    "PEM": DEVICE.pem,
    "PEM as bytes": DEVICE.pem.encode(),
    "PEM with Windows line ends": DEVICE.pem.replace("\n", "\r\n"),
    "PEM in one line": DEVICE.pem.replace("\n", ""),
    "PEM below the text of openssl x509 -text": "Certificate:\n    Data:\n        Version: 3 (0x2)\n" + DEVICE.pem,
    "base64 of DER": BASE64,
    "base64 of DER in lines": textwrap.fill(BASE64, 64) + "\n",
    "base64 of PEM": base64.b64encode(DEVICE.pem.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_form_gives_the_same_certificate(form: bytes | str) -> None:
    certificate = parse_certificate(form)
    assert certificate.der == DEVICE.der
    assert certificate.sha1_thumbprint == DEVICE.sha1_thumbprint
    assert certificate.sha256_thumbprint == DEVICE.sha256_thumbprint
    assert certificate.common_name == "device-1"


TWO = make_root().leaf("device-2")
MALFORMED = {
    "nothing": ("", MalformedReason.EMPTY),
    "blanks": (" \n", MalformedReason.EMPTY),
    "no base64": ("this is no certificate!", MalformedReason.NOT_BASE64),
    "not ASCII": ("Zertifikät", MalformedReason.NOT_BASE64),
    "base64 of something else": (base64.b64encode(b"hello").decode(), MalformedReason.BROKEN_DER),
    "a PEM without an end": (DEVICE.pem.partition("-----END")[0], MalformedReason.NOT_BASE64),
    "a PEM of two": (DEVICE.pem + TWO.pem, MalformedReason.SEVERAL_CERTIFICATES),
    "a private key": (DEVICE.key_pem, MalformedReason.NOT_BASE64),
    "cut short": (DEVICE.der[:-1], MalformedReason.BROKEN_DER),
    "too long": (DEVICE.der + b"\x00", MalformedReason.BROKEN_DER),
    "broken DER": (broken_der(DEVICE), MalformedReason.BROKEN_DER),
    "larger than a certificate": (b"\x30" + bytes(MAX_DER), MalformedReason.TOO_LARGE),
    "much larger": ("M" * 100_000, MalformedReason.TOO_LARGE),
    "an extension twice": (make_root().with_twice_the_same_extension("d")[0], MalformedReason.DUPLICATE_EXTENSIONS),
}


@pytest.mark.parametrize(("data", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_one_certificate_is_refused_with_its_reason(data: bytes | str, reason: MalformedReason) -> None:
    with pytest.raises(CertificateMalformed) as caught:
        parse_certificate(data)
    assert caught.value.reason is reason


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(CertificateMalformed):
        parse_certificate(data)


@given(st.integers(0, len(DEVICE.der) - 1), st.integers(1, 255))
def test_a_certificate_with_one_byte_changed_parses_or_is_refused(place: int, change: int) -> None:
    der = bytearray(DEVICE.der)
    der[place] ^= change
    with contextlib.suppress(CertificateMalformed):
        assert parse_certificate(bytes(der)).der == bytes(der)


@pytest.mark.parametrize("public", [(2048, 2**64 + 1), (8200, 65537)], ids=["exponent", "modulus"])
def test_a_key_that_costs_too_much_is_refused_before_it_is_used(public: tuple[int, int]) -> None:
    bits, exponent = public
    modulus = make_key("RSA-2048").private_numbers().public_numbers.n << (bits - 2048) | 1
    certificate = make_root().vouch_for("d", rsa.RSAPublicNumbers(exponent, modulus).public_key())
    with pytest.raises(CertificateMalformed) as caught:
        parse_certificate(certificate)
    assert caught.value.reason is MalformedReason.UNUSABLE_KEY


def test_a_presented_chain_keeps_its_order_and_loses_its_repetitions() -> None:
    root = make_root()
    device = root.intermediate("Line 1").leaf("device-1")
    leaf, line = device.chain
    chain = parse_chain((leaf, line, root.der, line, leaf))
    assert [each.der for each in chain] == [leaf, line, root.der]
    assert [each.is_self_issued for each in chain] == [False, False, True]


def test_what_a_device_shows_again_is_not_parsed_again() -> None:
    device = make_root().intermediate("Line 1").leaf("device-1")
    first, again = parse_chain(device.chain), parse_chain(tuple(bytes(bytearray(der)) for der in device.chain))
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_a_certificate_that_is_larger_than_usual_is_not_kept() -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(5_000))
    large = make_self_signed("device-1", extensions=[(padding, False)])
    assert len(large.der) < MAX_DER
    assert parse_chain((large.der,))[0] is not parse_chain((large.der,))[0]


def test_a_chain_of_twenty_is_refused_unread() -> None:
    _, device = make_deep_chain(20)
    with pytest.raises(ChainRefused) as caught:
        parse_chain(device.chain)
    assert caught.value.cause is ChainCause.CHAIN_TOO_LONG
    assert caught.value.facts == {"most": str(MAX_PRESENTED), "presented": "20"}


UNREADABLE = {
    "broken": (broken_der(DEVICE), ChainCause.BROKEN_DER),
    "empty": (b"", ChainCause.BROKEN_DER),
    "too large": (b"\x30" + bytes(MAX_DER), ChainCause.BROKEN_DER),
    "twice": (make_root().with_twice_the_same_extension("d")[0], ChainCause.DUPLICATE_EXTENSIONS),
}


@pytest.mark.parametrize(("presented", "cause"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_presented_certificate_that_cannot_be_read_is_named_by_its_place(presented: bytes, cause: ChainCause) -> None:
    with pytest.raises(ChainRefused) as caught:
        parse_chain((DEVICE.der, presented))
    assert caught.value.cause is cause
    assert caught.value.facts["place"] == "1"


def test_the_api_shows_what_clients_insist_on() -> None:
    root = make_root("Acme Root")
    device = root.leaf("device-1", organization="Acme")
    info = certificate_info(parse_certificate(device.der))
    assert info.subject_name == "CN=device-1,O=Acme"
    assert info.issuer_name == "CN=Acme Root,O=Acme"
    assert info.sha1_thumbprint == device.sha1_thumbprint
    assert info.sha256_thumbprint == device.sha256_thumbprint
    assert info.not_before_utc == datetime(2024, 1, 1, tzinfo=UTC)
    assert info.not_after_utc == datetime(2049, 1, 1, tzinfo=UTC)
    assert int(info.serial_number, 16) == device.certificate.serial_number
    assert info.serial_number == info.serial_number.upper()
    assert len(info.serial_number) % 2 == 0
    assert info.version == 3


def test_a_certificate_of_version_1_is_shown_as_one() -> None:
    root = make_root()
    assert certificate_info(parse_certificate(root.with_version_1(root.leaf("old")).der)).version == 1


@pytest.mark.parametrize(("names", "counts"), [((), None), (("only",), "only"), (("first", "second"), "second")])
def test_of_several_common_names_the_last_counts(names: tuple[str, ...], counts: str | None) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    assert parse_certificate(make_root().leaf("unused", subject=subject).der).common_name == counts


def test_its_representation_is_short() -> None:
    certificate = parse_certificate(DEVICE.der)
    assert repr(certificate) == f"Certificate(sha256_thumbprint='{DEVICE.sha256_thumbprint}')"
