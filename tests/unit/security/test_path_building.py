"""From a leaf to trusted certificates: which paths are found, in which order, and what is said when there is none."""

from itertools import permutations

import pytest
from cryptography import x509
from tests.pki import NOW, Authority, Identity, forged, make_key, make_root, make_self_signed

from homeport.security.certificates import Certificate, parse_certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.path_building import AnchorIndex, candidate_paths
from homeport.security.verdict_cache import VerdictCache

ROOT = make_root("Root")
FACTORY = ROOT.intermediate("Factory")
LINE = FACTORY.intermediate("Line")
DEVICE = LINE.leaf("device-1")


def certificate(identity: Identity) -> Certificate:
    return parse_certificate(identity.der)


def index(*anchors: Identity) -> AnchorIndex:
    return AnchorIndex(certificate(each) for each in anchors)


def paths(presented: list[Identity], *anchors: Identity) -> list[list[str | None]]:
    """The paths by common name."""
    chain = [certificate(each) for each in presented]
    return [[each.common_name for each in path.certificates] for path in candidate_paths(chain, index(*anchors))]


def refusal(presented: list[Identity], *anchors: Identity) -> ChainRefused:
    with pytest.raises(ChainRefused) as caught:
        paths(presented, *anchors)
    return caught.value


def test_an_anchor_is_found_by_its_subject_or_among_what_was_presented() -> None:
    straight = ["device-1", "Line", "Factory", "Root"]
    assert paths([DEVICE, LINE, FACTORY], ROOT) == [straight]
    assert paths([DEVICE, LINE, FACTORY, ROOT], ROOT) == [straight]


def test_the_nearest_anchor_comes_first_and_the_walk_goes_on() -> None:
    assert paths([DEVICE, LINE, FACTORY], ROOT, LINE, FACTORY) == [
        ["device-1", "Line"],
        ["device-1", "Line", "Factory"],
        ["device-1", "Line", "Factory", "Root"],
    ]


def test_an_anchor_shortens_what_must_be_presented() -> None:
    assert paths([DEVICE], LINE) == [["device-1", "Line"]]
    assert paths([DEVICE, LINE], FACTORY, ROOT) == [
        ["device-1", "Line", "Factory"],
        ["device-1", "Line", "Factory", "Root"],
    ]


@pytest.mark.parametrize("above", list(permutations([LINE, FACTORY, ROOT])))
def test_the_order_above_the_leaf_does_not_matter(above: tuple[Identity, ...]) -> None:
    assert paths([DEVICE, *above], ROOT) == [["device-1", "Line", "Factory", "Root"]]


def test_certificates_that_do_not_belong_to_the_chain_are_passed_over() -> None:
    stranger = make_root("Stranger")
    presented = [DEVICE, stranger, stranger.intermediate("Line"), LINE, DEVICE, FACTORY, LINE]
    assert paths(presented, ROOT) == [["device-1", "Line", "Factory", "Root"]]


def test_both_generations_of_a_rolled_root_are_found() -> None:
    rolled = make_root("Root", key=ROOT.key)
    assert paths([FACTORY.leaf("d"), FACTORY], ROOT, rolled) == [["d", "Factory", "Root"], ["d", "Factory", "Root"]]


def test_a_cross_signed_ca_leads_to_both_roots() -> None:
    other = make_root("Other")
    crossed = other.intermediate("Factory", key=FACTORY.key)
    assert paths([FACTORY.leaf("d"), FACTORY, crossed], ROOT, other) == [
        ["d", "Factory", "Root"],
        ["d", "Factory", "Other"],
    ]


def test_a_new_root_is_reached_through_its_cross_certificate() -> None:
    renewed = make_root("Root")
    new_with_old = ROOT.intermediate("Root", key=renewed.key)
    assert paths([renewed.leaf("d"), new_with_old], ROOT) == [["d", "Root", "Root"]]


def test_the_issuer_with_the_wanted_key_is_tried_first() -> None:
    twins = [make_root("Twin", extensions=key_id) for key_id in map(_key_id, (b"\x01", b"\x02"))]
    wanted = (x509.AuthorityKeyIdentifier(b"\x02", None, None), False)
    leaf = twins[1].leaf("d", extensions=[wanted])
    (path,) = candidate_paths([certificate(leaf)], index(*twins))
    assert path.anchor == certificate(twins[1])


def test_a_key_identifier_that_does_not_fit_is_a_hint_only() -> None:
    wrong = (x509.AuthorityKeyIdentifier(b"\x09", None, None), False)
    assert paths([ROOT.leaf("d", extensions=[wrong])], ROOT) == [["d", "Root"]]


def test_a_groups_own_certificate_is_not_one_of_its_devices() -> None:
    assert paths([FACTORY], FACTORY, ROOT) == [["Factory", "Root"]]


def test_an_unknown_root_is_named() -> None:
    stranger = make_root("Stranger")
    found = refusal([stranger.leaf("d"), stranger], ROOT)
    assert found.cause is ChainCause.UNKNOWN_ROOT
    assert found.facts["subject"] == "CN=Stranger,O=Acme"
    assert found.facts["thumbprint"] == stranger.sha256_thumbprint


def test_a_self_signed_device_is_its_own_unknown_root() -> None:
    assert refusal([make_self_signed("d")], ROOT).cause is ChainCause.UNKNOWN_ROOT


def test_a_root_that_only_has_the_name_of_a_trusted_one_is_unknown() -> None:
    impostor = make_root("Root")
    assert refusal([impostor.leaf("d"), impostor], ROOT).cause is ChainCause.UNKNOWN_ROOT


def test_the_missing_issuer_is_named() -> None:
    found = refusal([DEVICE, LINE], ROOT)
    assert found.cause is ChainCause.MISSING_INTERMEDIATE
    assert found.facts["subject"] == "CN=Line,O=Acme"
    assert found.facts["issuer"] == "CN=Factory,O=Acme"


def test_a_device_that_presents_nothing_but_itself_misses_its_issuer() -> None:
    assert refusal([DEVICE], ROOT).facts["issuer"] == "CN=Line,O=Acme"


@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "RSA-2048"])
def test_a_forged_signature_is_noticed(kind: str) -> None:
    root = make_root(key=make_key(kind))
    forgery = forged(root.leaf("d"))
    found = refusal([forgery], root)
    assert found.cause is ChainCause.BAD_SIGNATURE
    assert found.facts == {"subject": "CN=d", "thumbprint": forgery.sha256_thumbprint, "issuer": "CN=Root,O=Acme"}


def test_a_signature_that_the_library_does_not_check_is_called_weak() -> None:
    root = make_root(key=make_key("RSA-2048"))
    assert refusal([root.with_sha1(root.leaf("d"))], root).cause is ChainCause.WEAK_SIGNATURE


def test_two_cas_that_signed_each_other_lead_nowhere() -> None:
    first, second = make_key(), make_key()
    a = make_root("B", key=second).intermediate("A", key=first)
    b = make_root("A", key=first).intermediate("B", key=second)
    assert refusal([a.leaf("d"), a, b], ROOT).cause is ChainCause.MISSING_INTERMEDIATE


def test_nine_copies_of_one_ca_are_not_followed_in_every_order() -> None:
    key = make_key()
    copies: list[Identity] = [make_root("Copy", key=key) for _ in range(9)]
    assert refusal([make_root("Copy", key=key).leaf("d"), *copies], ROOT).cause is ChainCause.UNKNOWN_ROOT
    assert paths([make_root("Copy", key=key).leaf("d"), *copies], copies[5]) == [["d", "Copy"]]


def test_cas_that_are_all_there_twice_are_not_followed_without_end() -> None:
    issuer, mesh = ROOT, list[Authority]()
    for level in range(7):
        key = make_key()
        mesh += [issuer.intermediate(f"Level {level}", key=key) for _ in range(2)]
        issuer = mesh[-1]
    assert refusal([issuer.leaf("d")], *mesh).cause is ChainCause.CHAIN_TOO_COMPLEX


def test_a_hundred_anchors_of_one_name_are_not_all_tried() -> None:
    namesakes: list[Authority] = [make_root("Namesake") for _ in range(100)]
    assert refusal([make_root("Namesake").leaf("d")], *namesakes).cause is ChainCause.CHAIN_TOO_COMPLEX


def test_paths_are_found_lazily_so_that_the_nearest_costs_no_more_than_itself() -> None:
    key = make_key()
    copies = [make_root("Copy", key=key) for _ in range(9)]
    leaf = copies[0].leaf("d")
    walk = candidate_paths([certificate(each) for each in (leaf, *copies)], index(copies[3]))
    assert next(walk).anchor == certificate(copies[3])


def test_signatures_that_are_remembered_are_not_checked_again() -> None:
    chain = [certificate(each) for each in (DEVICE, LINE, FACTORY)]
    cache = VerdictCache()
    (path,) = candidate_paths(chain, index(ROOT), cache=cache)
    cache.remember(path.issuers, allow_expired=False)
    (again,) = candidate_paths(chain, index(ROOT), cache=cache)
    assert again == path
    assert not cache.knows_signature(path.leaf, path.issuers[0])
    assert cache.verdict(path.issuers, NOW, allow_expired=False) is not None


def _key_id(identifier: bytes) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.SubjectKeyIdentifier(identifier), False)]
