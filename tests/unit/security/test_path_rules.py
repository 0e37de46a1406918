"""The CA certificates of one path together: path lengths, names, and the library's second opinion."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from tests.pki import CA_USAGE, EXPIRED, NOW, Authority, Identity, make_key, make_root

from homeport.security.certificates import parse_certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.path_rules import check_issuers


def judge(*issuers: Identity, allow_expired: bool = False) -> None:
    """The issuers from the leaf's own to the anchor."""
    check_issuers([parse_certificate(each.der) for each in issuers], NOW, allow_expired=allow_expired)


def refusal(*issuers: Identity, allow_expired: bool = False) -> ChainRefused:
    with pytest.raises(ChainRefused) as caught:
        judge(*issuers, allow_expired=allow_expired)
    return caught.value


def chain(root: Authority, *lengths: int | None) -> list[Authority]:
    """CAs below each other with these path lengths, the lowest first."""
    found = [root]
    for level, length in enumerate(lengths):
        found.insert(0, found[0].intermediate(f"Level {level}", path_length=length))
    return found


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048"])
def test_cas_of_each_kind_of_key_are_accepted(kind: str) -> None:
    root = make_root(key=make_key(kind))
    judge(root.intermediate("Line", key=make_key(kind)), root)


def test_an_anchor_alone_is_accepted() -> None:
    judge(make_root())


@pytest.mark.parametrize("lengths", [(None, None), (1, 0), (1, None), (5, 5)])
def test_path_lengths_that_are_kept(lengths: tuple[int | None, ...]) -> None:
    judge(*chain(make_root(path_length=2), *lengths))


@pytest.mark.parametrize(
    ("root_length", "lengths", "culprit"),
    [(0, (None,), "Root"), (1, (None, None), "Root"), (None, (0, 0), "Level 0"), (None, (1, None, 0), "Level 0")],
)
@pytest.mark.parametrize("kind", ["P-256", "Ed25519"])
def test_path_lengths_that_are_exceeded(
    root_length: int | None, lengths: tuple[int | None, ...], culprit: str, kind: str
) -> None:
    found = refusal(*chain(make_root(path_length=root_length, key=make_key(kind)), *lengths))
    assert found.cause is ChainCause.PATH_LENGTH_EXCEEDED
    assert found.facts["subject"] == f"CN={culprit},O=Acme"


def test_a_certificate_that_rolls_a_key_over_does_not_count() -> None:
    root = make_root(path_length=1, key=make_key("Ed25519"))
    rolled = root.intermediate("Root", path_length=1)
    judge(rolled.intermediate("Line", path_length=0), rolled, root)


def test_names_of_cas_are_constrained_too() -> None:
    only_acme = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Acme")]))
    root = make_root(extensions=[(x509.NameConstraints([only_acme], None), True)])
    judge(root.intermediate("Line"), root)
    found = refusal(root.intermediate("Line", organization="Other"), root)
    assert found.cause is ChainCause.NAME_CONSTRAINTS
    assert found.facts["name"] == "CN=Line,O=Other"


def test_each_certificate_of_the_path_must_be_a_ca() -> None:
    root = make_root()
    line = root.intermediate("Line", ca=False)
    assert refusal(line, root).cause is ChainCause.NOT_A_CA
    assert refusal(line.intermediate("Below"), line, root).cause is ChainCause.NOT_A_CA


def test_an_expired_root_is_refused_unless_expiry_is_waived() -> None:
    root = make_root(valid=EXPIRED)
    line = root.intermediate("Line")
    assert refusal(line, root).cause is ChainCause.CA_EXPIRED
    judge(line, root, allow_expired=True)


def test_the_waiver_holds_also_where_two_were_never_valid_together() -> None:
    root = make_root(valid=EXPIRED)
    judge(root.intermediate("Line", valid=(NOW, datetime(2031, 1, 1, tzinfo=UTC))), root, allow_expired=True)


def test_the_waiver_waives_nothing_else() -> None:
    root = make_root(valid=EXPIRED, path_length=0)
    found = refusal(root.intermediate("Line"), root, allow_expired=True)
    assert found.cause is ChainCause.PATH_LENGTH_EXCEEDED


def test_a_root_signed_with_sha1_is_still_an_anchor() -> None:
    root = make_root(key=make_key("RSA-2048"))
    weak = root.with_sha1(root)
    judge(root.intermediate("Line", key=make_key("RSA-3072")), weak)


def test_the_library_has_a_second_opinion() -> None:
    root = make_root()
    found = refusal(root.with_long_serial_number(root.intermediate("Line")), root)
    assert found.cause is ChainCause.PROFILE_VIOLATION
    assert "serial" in found.facts["found"]


def test_a_ca_that_says_less_than_it_might_is_accepted() -> None:
    root = make_root()
    judge(root.intermediate("Line", usage=None), root)
    judge(root.intermediate("Line", usage=CA_USAGE), root)
