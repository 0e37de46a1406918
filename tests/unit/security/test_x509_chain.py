"""Whole chains, as devices present them: what is accepted, each cause of refusal, and a cache that changes nothing."""

import ipaddress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from tests.pki import (
    CA_USAGE,
    CLIENT_AUTH,
    DEVICE_USAGE,
    EXPIRED,
    NOT_YET_VALID,
    NOW,
    SERVER_AUTH,
    Authority,
    Identity,
    forged,
    make_deep_chain,
    make_key,
    make_root,
    make_self_signed,
)

from homeport.security.certificates import parse_certificate, parse_chain
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.path_building import AnchorIndex
from homeport.security.verdict_cache import VerdictCache
from homeport.security.x509_chain import ValidatedPath, validate_path

ROOT = make_root("Root", key=make_key("RSA-2048"))
LINE = ROOT.intermediate("Line", key=make_key("RSA-3072"))
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00")
CaseOfRefusal = tuple[tuple[bytes, ...], Authority, ChainCause]


def validate(
    presented: tuple[bytes, ...], *anchors: Identity, cache: VerdictCache | None = None, allow_expired: bool = False
) -> ValidatedPath:
    leaf, *above = parse_chain(presented)
    index = AnchorIndex(parse_certificate(each.der) for each in anchors)
    return validate_path(leaf, above, index, now=NOW, allow_expired=allow_expired, cache=cache)


def names(path: ValidatedPath) -> list[str | None]:
    return [each.common_name for each in path.certificates]


@pytest.mark.parametrize("leaf", ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048"])
@pytest.mark.parametrize("issuer", ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048"])
def test_a_device_below_an_intermediate_is_accepted(leaf: str, issuer: str) -> None:
    root = make_root("Root", key=make_key(issuer))
    device = root.intermediate("Line", key=make_key(issuer)).leaf("device-1", key=make_key(leaf))
    path = validate(device.chain, root)
    assert names(path) == ["device-1", "Line", "Root"]
    assert (path.leaf.der, path.anchor.der) == (device.der, root.der)
    assert path.issuer.common_name == "Line"
    assert path.valid_until == device.certificate.not_valid_after_utc


def test_the_first_end_of_a_validity_ends_the_path() -> None:
    soon = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert validate(ROOT.leaf("d", valid=soon).chain, ROOT).valid_until == soon[1]
    assert validate(ROOT.intermediate("Line", valid=soon).leaf("d").chain, ROOT).valid_until == soon[1]


def test_an_intermediate_alone_may_be_trusted() -> None:
    assert names(validate((LINE.leaf("d").der,), LINE)) == ["d", "Line"]


def test_everything_may_be_presented_in_any_order_and_twice() -> None:
    device = LINE.leaf("d")
    presented = (device.der, ROOT.der, make_root("Stranger").der, LINE.der, ROOT.der)
    assert names(validate(presented, ROOT)) == ["d", "Line", "Root"]


def test_nine_intermediates_are_accepted_and_ten_refused() -> None:
    root, device = make_deep_chain(10)
    assert len(validate(device.chain, root).certificates) == 11
    root, device = make_deep_chain(11)
    with pytest.raises(ChainRefused) as caught:
        validate(device.chain, root)
    assert caught.value.cause is ChainCause.CHAIN_TOO_LONG


def test_of_two_generations_of_a_root_the_valid_one_counts() -> None:
    old = make_root("Root", key=ROOT.key, valid=EXPIRED)
    path = validate(ROOT.leaf("d").chain, old, ROOT)
    assert path.anchor.der == ROOT.der
    with pytest.raises(ChainRefused) as caught:
        validate(ROOT.leaf("d").chain, old)
    assert caught.value.cause is ChainCause.CA_EXPIRED


def test_of_two_generations_of_an_intermediate_the_valid_one_counts() -> None:
    old = ROOT.intermediate("Line", key=LINE.key, valid=EXPIRED)
    device = LINE.leaf("d")
    for presented in ((device.der, old.der, LINE.der), (device.der, LINE.der, old.der)):
        assert validate(presented, ROOT).issuer.der == LINE.der


def test_where_no_path_holds_the_nearest_one_says_why() -> None:
    expired = ROOT.intermediate("Line", valid=EXPIRED)
    with pytest.raises(ChainRefused) as caught:
        validate(expired.leaf("d").chain, expired, ROOT)
    assert caught.value.cause is ChainCause.CA_EXPIRED
    assert caught.value.facts["subject"] == "CN=Line,O=Acme"


def below(**intermediate: object) -> tuple[bytes, ...]:
    """What a good device below a bad intermediate presents."""
    return ROOT.intermediate("Line", **intermediate).leaf("d").chain  # type: ignore[arg-type]


def leaf(**device: object) -> tuple[bytes, ...]:
    """What a bad device below a good intermediate presents."""
    return LINE.leaf("d", **device).chain  # type: ignore[arg-type]


SHORT = make_root("Short", path_length=0)
ONLY_NET = make_root(
    "Net", extensions=[(x509.NameConstraints([x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))], None), True)]
)
WRONG_NET = [(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("198.51.100.1"))]), False)]
STRANGER = make_root("Stranger")

REFUSED: dict[str, CaseOfRefusal] = {
    "expired leaf": (leaf(valid=EXPIRED), ROOT, ChainCause.EXPIRED),
    "early leaf": (leaf(valid=NOT_YET_VALID), ROOT, ChainCause.NOT_YET_VALID),
    "RSA-1024 leaf": (leaf(key=make_key("RSA-1024")), ROOT, ChainCause.WEAK_KEY),
    "leaf for servers": (leaf(extensions=[(SERVER_AUTH, False)]), ROOT, ChainCause.WRONG_EKU),
    "leaf not for signing": (leaf(extensions=[(CA_USAGE, True)]), ROOT, ChainCause.KEY_USAGE),
    "strange leaf": (leaf(extensions=[(STRANGE, True)]), ROOT, ChainCause.UNKNOWN_CRITICAL_EXTENSION),
    "SHA-1 leaf": (LINE.with_sha1(LINE.leaf("d")).chain, ROOT, ChainCause.WEAK_SIGNATURE),
    "forged leaf": (forged(LINE.leaf("d")).chain, ROOT, ChainCause.BAD_SIGNATURE),
    "expired CA": (below(valid=EXPIRED), ROOT, ChainCause.CA_EXPIRED),
    "early CA": (below(valid=NOT_YET_VALID), ROOT, ChainCause.CA_NOT_YET_VALID),
    "device as a CA": (below(ca=False), ROOT, ChainCause.NOT_A_CA),
    "CA not for signing": (below(usage=DEVICE_USAGE), ROOT, ChainCause.KEY_USAGE),
    "CA for servers": (below(extensions=[(SERVER_AUTH, False)]), ROOT, ChainCause.WRONG_EKU),
    "RSA-1024 CA": (below(key=make_key("RSA-1024")), ROOT, ChainCause.WEAK_KEY),
    "strange CA": (below(extensions=[(STRANGE, True)]), ROOT, ChainCause.UNKNOWN_CRITICAL_EXTENSION),
    "path length": (SHORT.intermediate("Line").leaf("d").chain, SHORT, ChainCause.PATH_LENGTH_EXCEEDED),
    "names": (ONLY_NET.leaf("d", extensions=WRONG_NET).chain, ONLY_NET, ChainCause.NAME_CONSTRAINTS),
    "unknown root": ((*STRANGER.leaf("d").chain, STRANGER.der), ROOT, ChainCause.UNKNOWN_ROOT),
    "self-signed": (make_self_signed("d").chain, ROOT, ChainCause.UNKNOWN_ROOT),
    "missing intermediate": (LINE.leaf("d").chain[:1], ROOT, ChainCause.MISSING_INTERMEDIATE),
    "an extension twice": (LINE.with_twice_the_same_extension("d"), ROOT, ChainCause.DUPLICATE_EXTENSIONS),
}


@pytest.mark.parametrize(("presented", "anchor", "cause"), REFUSED.values(), ids=REFUSED)
def test_a_chain_is_refused_with_its_cause_whatever_was_seen_before(
    presented: tuple[bytes, ...], anchor: Authority, cause: ChainCause
) -> None:
    warm = VerdictCache()
    validate(LINE.leaf("good").chain, ROOT, cache=warm)
    for cache in (None, warm, warm):
        with pytest.raises(ChainRefused) as caught:
            validate(presented, anchor, cache=cache)
        assert caught.value.cause is cause


EXPIRED_CHAINS = {
    "leaf": (leaf(valid=EXPIRED), ROOT),
    "CA": (below(valid=EXPIRED), ROOT),
    "both": (ROOT.intermediate("Line", valid=EXPIRED).leaf("d", valid=EXPIRED).chain, ROOT),
}


@pytest.mark.parametrize(("presented", "anchor"), EXPIRED_CHAINS.values(), ids=EXPIRED_CHAINS)
def test_expiry_can_be_waived(presented: tuple[bytes, ...], anchor: Authority) -> None:
    assert names(validate(presented, anchor, allow_expired=True)) == ["d", "Line", "Root"]


WAIVED = {ChainCause.EXPIRED, ChainCause.CA_EXPIRED}
STILL_REFUSED = {name: case for name, case in REFUSED.items() if case[2] not in WAIVED}


@pytest.mark.parametrize(("presented", "anchor", "cause"), STILL_REFUSED.values(), ids=STILL_REFUSED)
def test_nothing_but_expiry_is_waived(presented: tuple[bytes, ...], anchor: Authority, cause: ChainCause) -> None:
    with pytest.raises(ChainRefused) as caught:
        validate(presented, anchor, allow_expired=True)
    assert caught.value.cause is cause


def test_an_expired_path_that_was_waived_is_not_remembered_as_good() -> None:
    cache = VerdictCache()
    presented = below(valid=EXPIRED)
    validate(presented, ROOT, cache=cache, allow_expired=True)
    with pytest.raises(ChainRefused) as caught:
        validate(presented, ROOT, cache=cache)
    assert caught.value.cause is ChainCause.CA_EXPIRED


def test_a_fleet_below_one_intermediate_shares_one_verdict() -> None:
    cache = VerdictCache()
    for number in range(3):
        validate(LINE.leaf(f"device-{number}").chain, ROOT, cache=cache)
    assert cache.size == 1


def test_the_signature_on_a_device_is_known_once_its_path_has_held() -> None:
    cache = VerdictCache()
    good, expired = LINE.leaf("good"), LINE.leaf("expired", valid=EXPIRED)
    validate(good.chain, ROOT, cache=cache)
    with pytest.raises(ChainRefused):
        validate(expired.chain, ROOT, cache=cache)
    line = parse_certificate(LINE.der)
    assert cache.knows_signature(parse_certificate(good.der), line)
    assert not cache.knows_signature(parse_certificate(expired.der), line)


def test_a_verdict_does_not_outlive_the_trust_in_its_anchor() -> None:
    cache = VerdictCache()
    presented = LINE.leaf("d").chain
    validate(presented, ROOT, cache=cache)
    with pytest.raises(ChainRefused) as caught:
        validate(presented, STRANGER, cache=cache)
    assert caught.value.cause is ChainCause.MISSING_INTERMEDIATE


def test_a_verdict_does_not_replace_the_intermediate_that_a_device_must_present() -> None:
    cache = VerdictCache()
    validate(LINE.leaf("d").chain, ROOT, cache=cache)
    with pytest.raises(ChainRefused) as caught:
        validate(LINE.leaf("d").chain[:1], ROOT, cache=cache)
    assert caught.value.cause is ChainCause.MISSING_INTERMEDIATE


def test_two_ways_to_one_root_that_allow_different_names_are_told_apart_by_the_cache() -> None:
    net = x509.NameConstraints([x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))], None)
    strict = ROOT.intermediate("Line", key=LINE.key, extensions=[(net, True)])
    device = LINE.leaf("d", extensions=WRONG_NET)
    cache = VerdictCache()
    with pytest.raises(ChainRefused):
        validate((device.der, strict.der), ROOT, cache=cache)
    assert validate((device.der, strict.der, LINE.der), ROOT, cache=cache).issuer.der == LINE.der


ACCEPTED = {
    "plain": leaf(),
    "for clients": leaf(extensions=[(CLIENT_AUTH, False), (DEVICE_USAGE, True)]),
    "P-521": leaf(key=make_key("P-521")),
    "below a CA for clients": below(extensions=[(CLIENT_AUTH, False)], path_length=0),
}


@pytest.mark.parametrize("presented", ACCEPTED.values(), ids=ACCEPTED)
def test_what_we_accept_the_librarys_verifier_accepts(presented: tuple[bytes, ...]) -> None:
    validate(presented, ROOT)
    ask_library(presented, ROOT)


OUR_OWN_RULES = {"RSA-1024 leaf", "leaf for servers", "leaf not for signing", "CA not for signing", "CA for servers"}
"""Without its rules for web servers the library looks at no usage, and at no key of a leaf."""
BOTH_REFUSE = {name: case[:2] for name, case in REFUSED.items() if name not in OUR_OWN_RULES}


@pytest.mark.parametrize(("presented", "anchor"), BOTH_REFUSE.values(), ids=BOTH_REFUSE)
def test_what_we_refuse_the_librarys_verifier_refuses(presented: tuple[bytes, ...], anchor: Authority) -> None:
    with pytest.raises(VerificationError):
        ask_library(presented, anchor)


def ask_library(presented: tuple[bytes, ...], anchor: Authority) -> None:
    """The whole path, leaf included, which the code under test lets it see only without the leaf."""
    device, *above = (x509.load_der_x509_certificate(each) for each in presented)
    everything = ExtensionPolicy.permit_all()
    cas = everything.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    builder = PolicyBuilder().store(Store([anchor.certificate])).time(NOW)
    builder.extension_policies(ca_policy=cas, ee_policy=everything).build_client_verifier().verify(device, above)
