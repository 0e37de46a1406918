"""Certificates that prove a device, and every way in which they do not, each with its own reason."""

import datetime as dt

import pytest
from tests import pki
from tests.pki import EXPIRED, NOT_YET_VALID, NOW, Authority, Identity, make_root, make_self_signed
from tests.unit.administration.world import refused
from tests.unit.provisioning.certified import ca_certificate, x509_group, x509_individual

from homeport import errors
from homeport.model.attestation import X509Evidence
from homeport.model.enrollment import EnrollmentGroup
from homeport.model.identifiers import RegistrationId
from homeport.provisioning.attestation import x509
from homeport.provisioning.attestation.x509 import TrustedGroups, trusted_groups

ID = RegistrationId("device-1")
ROOT = make_root("Root")
LINE = ROOT.intermediate("Line 1")
OTHER = make_root("Other")


def attest_individual(
    shown: tuple[bytes, ...], *, now: dt.datetime = NOW, id_: str = ID, **slots: object
) -> X509Evidence:
    return x509.attest_individual(shown, x509_individual(id_, **slots), RegistrationId(id_), now=now)


def attest_member(shown: tuple[bytes, ...], *groups: EnrollmentGroup, id_: str = ID) -> tuple[str, X509Evidence]:
    trusted = trusted_groups(groups, ())
    return x509.attest_member(shown, RegistrationId(id_), trusted, now=NOW)


def why(trusted: TrustedGroups, shown: tuple[bytes, ...], id_: str = ID) -> tuple[str, dict[str, str]]:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        x509.attest_member(shown, RegistrationId(id_), trusted, now=NOW)
    return refusal.value.cause, dict(refusal.value.facts)


def by_root(authority: Authority = ROOT, **slots: object) -> TrustedGroups:
    return trusted_groups([x509_group("Line-1", signing=authority, **slots)], ())


# --- an individual enrollment ---------------------------------------------------------------------------------


def test_either_certificate_of_an_individual_enrollment_proves_it() -> None:
    old, new = make_self_signed(ID), make_self_signed(ID)
    for shown in (old, new):
        evidence = attest_individual(shown.chain, client=old, secondary=new)
        assert evidence.certificate.sha256_thumbprint == shown.sha256_thumbprint
        assert evidence.signing_certificate is None


def test_primary_and_secondary_may_be_swapped() -> None:
    old, new = make_self_signed(ID), make_self_signed(ID)
    assert attest_individual(old.chain, client=old, secondary=new) == attest_individual(
        old.chain, client=new, secondary=old
    )


def test_who_issued_it_does_not_matter_to_an_individual_enrollment() -> None:
    device = LINE.leaf(ID)
    assert attest_individual(device.chain, client=device) == attest_individual((device.der,), client=device)


@pytest.mark.parametrize(
    ("shown", "enrolled", "cause"),
    [
        ((), make_self_signed(ID), "no_certificate"),
        (make_self_signed(ID).chain, make_self_signed(ID), "wrong_certificate"),
        ((b"\x30\x03\x02\x01\x00",), make_self_signed(ID), "broken_der"),
    ],
)
def test_another_certificate_is_refused(shown: tuple[bytes, ...], enrolled: Identity, cause: str) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        attest_individual(shown, client=enrolled)
    assert refusal.value.cause == cause


@pytest.mark.parametrize(
    ("device", "cause"),
    [
        (make_self_signed(ID, valid=EXPIRED), "expired"),
        (make_self_signed(ID, valid=NOT_YET_VALID), "not_yet_valid"),
        (make_self_signed(ID, extensions=[(pki.SERVER_AUTH, False)]), "wrong_eku"),
        (make_self_signed(ID, key=pki.make_key("RSA-1024")), "weak_key"),
        (make_self_signed("Device-1"), "common_name_case"),
        (make_self_signed("device-2"), "common_name"),
    ],
)
def test_a_certificate_of_the_enrollment_must_also_be_good(device: Identity, cause: str) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        attest_individual(device.chain, client=device)
    assert refusal.value.cause == cause


def test_an_expired_certificate_is_let_in_where_the_enrollment_says_so() -> None:
    device = make_self_signed(ID, valid=EXPIRED)
    assert attest_individual(device.chain, client=device, allow_expired=True)


# --- a group --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authority", [ROOT, LINE], ids=["by root", "by intermediate"])
def test_a_group_vouches_for_what_its_certificate_signed(authority: Authority) -> None:
    device = LINE.leaf(ID)
    group_id, evidence = attest_member(device.chain, x509_group("Line-1", signing=authority))
    assert group_id == "Line-1"
    assert evidence.signing_certificate is not None
    assert evidence.signing_certificate.sha256_thumbprint == authority.sha256_thumbprint


def test_a_group_vouches_by_a_ca_certificate_of_the_service() -> None:
    trusted = trusted_groups([x509_group("Line-1", reference="acme")], [ca_certificate("acme", ROOT)])
    group_id, _ = x509.attest_member(LINE.leaf(ID).chain, ID, trusted, now=NOW)
    assert group_id == "Line-1"


def test_the_nearest_group_decides() -> None:
    groups = (x509_group("Root", signing=ROOT), x509_group("Line", signing=LINE))
    assert attest_member(LINE.leaf(ID).chain, *groups)[0] == "Line"
    assert attest_member(ROOT.leaf(ID).chain, *groups)[0] == "Root"


def test_a_rolled_root_counts_beside_the_old_one() -> None:
    rolled = make_root("Root", key=ROOT.key)
    group = x509_group("Line-1", signing=ROOT, secondary=rolled)
    assert attest_member(LINE.leaf(ID).chain, group)[0] == "Line-1"
    new = make_root("Root 2")
    overlap = x509_group("Line-1", signing=ROOT, secondary=new)
    for authority in (ROOT, new):
        assert attest_member(authority.leaf(ID).chain, overlap)[0] == "Line-1"


def test_certificates_that_do_not_belong_do_no_harm() -> None:
    device, stranger = LINE.leaf(ID), make_root("Stranger")
    shown = (device.der, stranger.der, ROOT.der, LINE.der, device.der)
    assert attest_member(shown, x509_group("Line-1", signing=ROOT))[0] == "Line-1"


WRONG = {
    "expired": LINE.leaf(ID, valid=EXPIRED).chain,
    "not_yet_valid": LINE.leaf(ID, valid=NOT_YET_VALID).chain,
    "ca_expired": ROOT.intermediate("Old", valid=EXPIRED).leaf(ID).chain,
    "wrong_eku": LINE.leaf(ID, extensions=[(pki.SERVER_AUTH, False)]).chain,
    "common_name_case": LINE.leaf("DEVICE-1").chain,
    "common_name": LINE.leaf("device-2").chain,
    "unknown_root": (OTHER.leaf(ID).der, OTHER.der),
    "missing_intermediate": LINE.leaf(ID).chain[:1],
    "chain_too_long": pki.make_deep_chain(20)[1].chain,
    "path_length_exceeded": ROOT.intermediate("Short", path_length=0).intermediate("Below").leaf(ID).chain,
    "duplicate_extensions": LINE.with_twice_the_same_extension(ID),
    "weak_key": LINE.leaf(ID, key=pki.make_key("RSA-1024")).chain,
    "broken_der": (pki.broken_der(LINE.leaf(ID)), LINE.der),
    "bad_signature": pki.forged(ROOT.leaf(ID)).chain,
    "not_a_ca": ROOT.intermediate("Not a CA", ca=False).leaf(ID).chain,
    "no_certificate": (),
}


@pytest.mark.parametrize("cause", WRONG)
def test_each_way_of_being_wrong_has_its_own_reason(cause: str) -> None:
    assert why(by_root(), WRONG[cause])[0] == cause


def test_the_missing_issuer_is_named() -> None:
    _, facts = why(by_root(), LINE.leaf(ID).chain[:1])
    assert any("Line 1" in fact for fact in facts.values())


def test_sha1_is_refused() -> None:
    root = make_root("RSA Root", key=pki.make_key("RSA-2048"))
    assert why(by_root(root), root.with_sha1(root.leaf(ID)).chain)[0] == "weak_signature"


def test_an_expired_chain_is_let_in_where_the_group_says_so() -> None:
    device = ROOT.intermediate("Old", valid=EXPIRED).leaf(ID, valid=EXPIRED)
    group = x509_group("Line-1", signing=ROOT, allow_expired=True)
    assert attest_member(device.chain, group)[0] == "Line-1"


def test_a_certificate_that_stands_in_two_groups_is_refused_with_both_names() -> None:
    trusted = trusted_groups([x509_group("A", signing=ROOT), x509_group("B", signing=ROOT)], ())
    cause, facts = why(trusted, LINE.leaf(ID).chain)
    assert (cause, facts["groups"]) == ("certificate_in_two_entries", "A, B")


@pytest.mark.parametrize("certificates", [(), (ca_certificate("acme", ROOT, verified=False),)])
def test_a_reference_to_a_ca_certificate_that_is_gone_is_named(certificates: tuple[object, ...]) -> None:
    trusted = trusted_groups([x509_group("Line-1", reference="acme")], certificates)  # type: ignore[arg-type]
    cause, facts = why(trusted, LINE.leaf(ID).chain)
    assert (cause, facts["missing"]) == ("ca_certificate_gone", "acme (of Line-1)")


def test_a_verified_ca_alone_lets_nobody_in() -> None:
    other = x509_group("Other", signing=make_root("Other"))
    trusted = trusted_groups([other], [ca_certificate("acme", ROOT)])
    assert why(trusted, LINE.leaf(ID).chain)[0] == "no_group_for_chain"


def test_without_groups_nobody_is_known() -> None:
    with refused(errors.ENROLLMENT_NOT_FOUND):
        attest_member(LINE.leaf(ID).chain)


def test_no_refusal_tells_the_device_what_is_only_the_operators() -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        attest_member(LINE.leaf(ID).chain, x509_group("Secret-Group", signing=ROOT), x509_group("B", signing=ROOT))
    assert "Secret-Group" not in refusal.value.message
