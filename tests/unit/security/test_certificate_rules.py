"""One certificate by itself: a device's own, and a CA's."""

import pytest
from cryptography import x509
from tests.pki import (
    CA_USAGE,
    CLIENT_AUTH,
    DEVICE_USAGE,
    EXPIRED,
    NOT_YET_VALID,
    NOW,
    SERVER_AUTH,
    Identity,
    key_usage,
    make_key,
    make_root,
    make_self_signed,
)

from homeport.security.certificate_rules import check_ca, check_leaf
from homeport.security.certificates import parse_certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused

ROOT = make_root("Acme Root", key=make_key("RSA-2048"))
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00")
ANY_USAGE = x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")])


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048", "RSA-3072"])
def test_a_leaf_of_each_good_key_is_accepted_whether_self_signed_or_not(kind: str) -> None:
    check_leaf(parse_certificate(make_self_signed("device-1", key=make_key(kind)).der), NOW)
    check_leaf(parse_certificate(ROOT.leaf("device-1", key=make_key(kind)).der), NOW)


GOOD_LEAVES = {
    "without any extension": ROOT.leaf("d"),
    "of version 1": ROOT.with_version_1(ROOT.leaf("d")),
    "for clients": ROOT.leaf("d", extensions=[(CLIENT_AUTH, True)]),
    "for anything": ROOT.leaf("d", extensions=[(ANY_USAGE, False)]),
    "with digitalSignature": ROOT.leaf("d", extensions=[(DEVICE_USAGE, True)]),
    "with keyAgreement": ROOT.leaf("d", extensions=[(key_usage("key_agreement"), True)]),
    "with an unknown extension that is not critical": ROOT.leaf("d", extensions=[(STRANGE, False)]),
    "self-signed as openssl req -x509 does, as if it were a CA": make_self_signed(
        "d", extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)]
    ),
}


@pytest.mark.parametrize("leaf", GOOD_LEAVES.values(), ids=GOOD_LEAVES)
def test_what_device_makers_leave_out_or_put_in_is_accepted(leaf: Identity) -> None:
    check_leaf(parse_certificate(leaf.der), NOW)


BAD_LEAVES = {
    "expired": (ROOT.leaf("d", valid=EXPIRED), ChainCause.EXPIRED, "notAfter"),
    "early": (ROOT.leaf("d", valid=NOT_YET_VALID), ChainCause.NOT_YET_VALID, "notBefore"),
    "RSA-1024": (ROOT.leaf("d", key=make_key("RSA-1024")), ChainCause.WEAK_KEY, "key"),
    "a foreign curve": (ROOT.leaf("d", key=make_key("secp256k1")), ChainCause.WEAK_KEY, "key"),
    "SHA-1": (ROOT.with_sha1(ROOT.leaf("d")), ChainCause.WEAK_SIGNATURE, "algorithm"),
    "for servers": (ROOT.leaf("d", extensions=[(SERVER_AUTH, False)]), ChainCause.WRONG_EKU, "found"),
    "for signing CAs": (ROOT.leaf("d", extensions=[(CA_USAGE, True)]), ChainCause.KEY_USAGE, "needed"),
    "strange": (ROOT.leaf("d", extensions=[(STRANGE, True)]), ChainCause.UNKNOWN_CRITICAL_EXTENSION, "extension"),
}


@pytest.mark.parametrize(("leaf", "cause", "fact"), BAD_LEAVES.values(), ids=BAD_LEAVES)
def test_a_leaf_is_refused_with_its_cause(leaf: Identity, cause: ChainCause, fact: str) -> None:
    with pytest.raises(ChainRefused) as caught:
        check_leaf(parse_certificate(leaf.der), NOW)
    assert caught.value.cause is cause
    assert caught.value.facts["subject"] == "CN=d"
    assert caught.value.facts["thumbprint"] == leaf.sha256_thumbprint
    assert caught.value.facts[fact]


def test_a_leaf_of_an_unusual_kind_of_key_is_refused() -> None:
    leaf = ROOT.leaf("d", key=make_key("Ed448"))
    with pytest.raises(ChainRefused) as caught:
        check_leaf(parse_certificate(leaf.der), NOW)
    assert caught.value.cause is ChainCause.WEAK_KEY


def test_the_waiver_of_expiry_waives_the_end_and_not_the_beginning() -> None:
    check_leaf(parse_certificate(ROOT.leaf("d", valid=EXPIRED).der), NOW, allow_expired=True)
    early = parse_certificate(ROOT.leaf("d", valid=NOT_YET_VALID).der)
    with pytest.raises(ChainRefused) as caught:
        check_leaf(early, NOW, allow_expired=True)
    assert caught.value.cause is ChainCause.NOT_YET_VALID


def test_a_certificate_is_good_to_its_last_second() -> None:
    leaf = parse_certificate(ROOT.leaf("d").der)
    check_leaf(leaf, leaf.parsed.not_valid_before_utc)
    check_leaf(leaf, leaf.parsed.not_valid_after_utc)


GOOD_CAS = {
    "a root": ROOT,
    "an intermediate": ROOT.intermediate("CA"),
    "without key usage": ROOT.intermediate("CA", usage=None),
    "for clients": ROOT.intermediate("CA", extensions=[(CLIENT_AUTH, False)]),
}


@pytest.mark.parametrize("authority", GOOD_CAS.values(), ids=GOOD_CAS)
def test_a_ca_is_accepted(authority: Identity) -> None:
    check_ca(parse_certificate(authority.der), NOW)


BAD_CAS = {
    "a device": (ROOT.leaf("CA"), ChainCause.NOT_A_CA),
    "a CA that says it is none": (
        ROOT.leaf("CA", extensions=[(x509.BasicConstraints(ca=False, path_length=None), True)]),
        ChainCause.NOT_A_CA,
    ),
    "not for signing": (ROOT.intermediate("CA", usage=DEVICE_USAGE), ChainCause.KEY_USAGE),
    "expired": (ROOT.intermediate("CA", valid=EXPIRED), ChainCause.CA_EXPIRED),
    "early": (ROOT.intermediate("CA", valid=NOT_YET_VALID), ChainCause.CA_NOT_YET_VALID),
    "RSA-1024": (ROOT.intermediate("CA", key=make_key("RSA-1024")), ChainCause.WEAK_KEY),
    "SHA-1": (ROOT.with_sha1(ROOT.intermediate("CA")), ChainCause.WEAK_SIGNATURE),
    "for servers": (ROOT.intermediate("CA", extensions=[(SERVER_AUTH, False)]), ChainCause.WRONG_EKU),
    "strange": (ROOT.intermediate("CA", extensions=[(STRANGE, True)]), ChainCause.UNKNOWN_CRITICAL_EXTENSION),
    "with policies to be worked out": (
        ROOT.intermediate("CA", extensions=[(x509.PolicyConstraints(0, None), True)]),
        ChainCause.UNKNOWN_CRITICAL_EXTENSION,
    ),
}


@pytest.mark.parametrize(("authority", "cause"), BAD_CAS.values(), ids=BAD_CAS)
def test_a_ca_is_refused_with_its_cause(authority: Identity, cause: ChainCause) -> None:
    with pytest.raises(ChainRefused) as caught:
        check_ca(parse_certificate(authority.der), NOW)
    assert caught.value.cause is cause


def test_how_an_anchor_was_signed_does_not_matter() -> None:
    check_ca(parse_certificate(ROOT.with_sha1(ROOT.intermediate("CA")).der), NOW, is_anchor=True)


def test_an_expired_ca_passes_where_expiry_is_waived() -> None:
    check_ca(parse_certificate(ROOT.intermediate("CA", valid=EXPIRED).der), NOW, allow_expired=True)
