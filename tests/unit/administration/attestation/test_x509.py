"""What may be said of certificates, in which forms they may come, and what a PUT after a GET means."""

import base64
from typing import Any

import pytest
from msgspec.structs import replace
from tests.pki import EXPIRED, NOT_YET_VALID, NOW, Identity, broken_der, make_key, make_root, make_self_signed
from tests.unit.administration.world import refused

from homeport import errors
from homeport.administration.attestation.x509 import completed_group, completed_individual, without_certificates
from homeport.errors import HomeportError
from homeport.model.attestation import X509Attestation, X509CaReferences, X509Certificates, X509CertificateWithInfo
from homeport.model.ca_certificate import CaCertificate, Verification
from homeport.model.identifiers import ETag, ServiceId
from homeport.security.certificates import certificate_info, parse_certificate

DEVICE, OTHER = make_self_signed("device-1"), make_self_signed("device-1")
ROOT, LINE = make_root("Acme Root"), make_root("Acme Line")


def slot(identity: Identity) -> X509CertificateWithInfo:
    return X509CertificateWithInfo(certificate=identity.pem)


def info_only(identity: Identity) -> X509CertificateWithInfo:
    return X509CertificateWithInfo(info=certificate_info(parse_certificate(identity.der)))


def stored(identity: Identity) -> X509CertificateWithInfo:
    der = base64.b64encode(identity.der).decode()
    return replace(info_only(identity), certificate=der)


def client(
    primary: X509CertificateWithInfo | None = None, secondary: X509CertificateWithInfo | None = None, **said: Any
) -> X509Attestation:
    return X509Attestation(client_certificates=X509Certificates(primary=primary, secondary=secondary), **said)


def signing(
    primary: X509CertificateWithInfo | None = None, secondary: X509CertificateWithInfo | None = None
) -> X509Attestation:
    return X509Attestation(signing_certificates=X509Certificates(primary=primary, secondary=secondary))


def references(primary: str | None = None, secondary: str | None = None) -> X509Attestation:
    return X509Attestation(ca_references=X509CaReferences(primary=primary, secondary=secondary))


def authority(name: str, *, verified: bool = True) -> CaCertificate:
    return CaCertificate(
        service_id=ServiceId(1),
        name=name,
        certificate=ROOT.der,
        info=certificate_info(parse_certificate(ROOT.der)),
        etag=ETag("1"),
        created_at=NOW,
        updated_at=NOW,
        verified_by=Verification.PROOF if verified else None,
    )


def field_of(refusal: pytest.ExceptionInfo[HomeportError]) -> str:
    return refusal.value.info["field"].removeprefix("attestation.x509").removeprefix(".")


# --- in whatever form it comes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        DEVICE.pem,
        f"\r\n{DEVICE.pem}\n",
        base64.b64encode(DEVICE.der).decode(),
        base64.b64encode(DEVICE.pem.encode()).decode(),
    ],
)
def test_a_certificate_is_kept_as_base64_of_its_der_with_what_is_known_of_it(text: str) -> None:
    completed = completed_individual(client(X509CertificateWithInfo(certificate=text)), None)
    assert completed == client(stored(DEVICE))


def test_what_a_client_claims_to_know_of_a_certificate_is_not_believed() -> None:
    sent = replace(slot(DEVICE), info=info_only(OTHER).info)
    assert completed_individual(client(secondary=sent), None) == client(secondary=stored(DEVICE))


@pytest.mark.parametrize(
    "text",
    [
        *("not base64!", "AAAA", "A" * 100_000, "\ud800"),
        *(base64.b64encode(broken_der(DEVICE)).decode(), DEVICE.pem + OTHER.pem),
    ],
)
def test_what_is_no_certificate_is_refused_by_its_field(text: str) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_individual(client(slot(DEVICE), X509CertificateWithInfo(certificate=text)), None)
    assert field_of(caught) == "clientCertificates.secondary.certificate"


# --- what could never let a device in -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (make_self_signed("device-1"), "not a CA certificate"),
        (make_root("weak", key=make_key("RSA-1024")), "RSA-1024"),
        (make_root("odd", key=make_key("secp256k1")), "secp256k1"),
    ],
)
def test_what_cannot_sign_devices_is_refused_with_the_reason(identity: Identity, why: str) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_group(signing(slot(identity)), None, ())
    assert field_of(caught) == "signingCertificates.primary.certificate"
    assert why in caught.value.message


def test_a_device_with_a_weak_key_is_refused_with_the_reason() -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_individual(client(slot(make_self_signed("device-1", key=make_key("RSA-1024")))), None)
    assert "RSA-1024" in caught.value.message


@pytest.mark.parametrize("valid", [EXPIRED, NOT_YET_VALID])
def test_time_decides_nothing_yet(valid: Any) -> None:
    root, device = make_root("root", valid=valid), make_self_signed("device-1", valid=valid)
    assert completed_group(signing(slot(root)), None, ()) == signing(stored(root))
    assert completed_individual(client(slot(device)), None) == client(stored(device))


# --- exactly one member ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        None,
        X509Attestation(),
        client(),
        signing(slot(ROOT)),
        replace(client(slot(DEVICE)), signing_certificates=signing(slot(ROOT)).signing_certificates),
    ],
)
def test_an_individual_enrollment_has_client_certificates_and_nothing_else(sent: X509Attestation | None) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_individual(sent, None)
    assert "clientCertificates" in caught.value.message


def test_ca_references_of_an_individual_enrollment_are_not_offered() -> None:
    with refused(errors.NOT_OFFERED) as caught:
        completed_individual(references("factory"), None)
    assert caught.value.info["offered"] == "clientCertificates"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        X509Attestation(),
        signing(),
        references(),
        references("", ""),
        client(slot(DEVICE)),
        replace(signing(slot(ROOT)), ca_references=references("factory").ca_references),
        replace(signing(slot(ROOT)), client_certificates=client(slot(DEVICE)).client_certificates),
    ],
)
def test_a_group_has_signing_certificates_or_ca_references_and_nothing_else(sent: X509Attestation | None) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_group(sent, None, [authority("factory")])
    assert "either signingCertificates or caReferences" in caught.value.message


def test_members_that_say_nothing_are_absent() -> None:
    empty = replace(signing(slot(ROOT)), client_certificates=X509Certificates(), ca_references=X509CaReferences())
    assert completed_group(empty, None, ()) == signing(stored(ROOT))


# --- a PUT after a GET ----------------------------------------------------------------------------------------


def test_only_what_is_known_of_certificates_is_shown() -> None:
    both = client(stored(DEVICE), stored(OTHER))
    assert without_certificates(both) == client(info_only(DEVICE), info_only(OTHER))
    assert without_certificates(signing(stored(ROOT))) == signing(info_only(ROOT))
    assert without_certificates(references("factory")) == references("factory")


@pytest.mark.parametrize(
    "sent",
    [
        client(info_only(DEVICE), info_only(OTHER)),
        client(X509CertificateWithInfo(), X509CertificateWithInfo()),
        client(X509CertificateWithInfo(certificate=""), info_only(OTHER)),
    ],
)
def test_sending_back_what_was_shown_changes_nothing(sent: X509Attestation) -> None:
    both = client(stored(DEVICE), stored(OTHER))
    assert completed_individual(sent, both) == both


def test_what_is_left_out_is_removed() -> None:
    both = client(stored(DEVICE), stored(OTHER))
    assert completed_individual(client(secondary=info_only(OTHER)), both) == client(secondary=stored(OTHER))


def test_certificates_are_rolled_by_moving_what_was_shown() -> None:
    swapped = client(info_only(OTHER), slot(make_self_signed("x")))
    completed = completed_individual(swapped, client(stored(DEVICE), stored(OTHER)))
    assert completed.client_certificates is not None
    assert completed.client_certificates.primary == stored(OTHER)


@pytest.mark.parametrize("before", [None, client(stored(DEVICE)), signing(stored(OTHER))])
def test_what_no_stored_certificate_is_meant_by_is_refused(before: X509Attestation | None) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_individual(client(info_only(OTHER)), before)
    assert "send the certificate as PEM" in caught.value.message
    with refused(errors.INVALID_BODY):
        completed_individual(client(secondary=X509CertificateWithInfo()), before)


# --- references -----------------------------------------------------------------------------------------------


def test_references_name_verified_ca_certificates_of_the_service() -> None:
    known = [authority("Factory"), authority("line")]
    both = references("Factory", "line")
    assert completed_group(both, None, known) == both
    assert completed_group(references("", "line"), None, known) == references(secondary="line")


@pytest.mark.parametrize(
    ("sent", "slot", "why"),
    [
        (references("factory"), "primary", "Factory, fresh"),
        (references("Factory", "stranger"), "secondary", "stranger"),
        (references("fresh"), "primary", "not verified"),
    ],
)
def test_other_references_are_refused_with_what_there_is(sent: X509Attestation, slot: str, why: str) -> None:
    with refused(errors.INVALID_BODY) as caught:
        completed_group(sent, None, [authority("Factory"), authority("fresh", verified=False)])
    assert field_of(caught) == f"caReferences.{slot}"
    assert why in caught.value.message


def test_a_reference_that_the_group_has_already_outlives_its_ca() -> None:
    assert completed_group(references("gone"), references("gone"), ()) == references("gone")
    with refused(errors.INVALID_BODY):
        completed_group(references("gone", "too"), references("gone"), ())


# --- allowExpiredCertificates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [(None, None, None), (None, True, True), (True, None, True), (True, False, None), (None, False, None)],
)
def test_the_allowance_stays_until_it_is_said_otherwise(
    before: bool | None, said: bool | None, after: bool | None
) -> None:
    sent = client(info_only(DEVICE), allow_expired_certificates=said)
    completed = completed_individual(sent, client(stored(DEVICE), allow_expired_certificates=before))
    assert completed.allow_expired_certificates is after
    group = replace(signing(info_only(ROOT)), allow_expired_certificates=said)
    kept = replace(signing(stored(ROOT)), allow_expired_certificates=before)
    assert completed_group(group, kept, ()).allow_expired_certificates is after
    assert completed_group(signing(slot(LINE)), kept, ()).allow_expired_certificates is before
