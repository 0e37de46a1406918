"""Which mechanisms an entry may have, and how much of each is shown."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.pki import make_root, make_self_signed
from tests.unit.administration.world import CountedRandomness, group, individual, keys, refused

from homeport import errors
from homeport.administration.attestation import (
    answered,
    names_ca_certificates,
    revealed,
    shown,
    with_attestation,
)
from homeport.errors import ErrorRow
from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    TpmAttestation,
    X509Attestation,
    X509CaReferences,
    X509Certificates,
    X509CertificateWithInfo,
)


def by_x509(**said: Any) -> AttestationMechanism:
    return AttestationMechanism(type=AttestationType.X509, x509=X509Attestation(**said))


def certificates(pem: str) -> X509Certificates:
    return X509Certificates(primary=X509CertificateWithInfo(certificate=pem))


CLIENT = by_x509(client_certificates=certificates(make_self_signed("device-1").pem))
SIGNING = by_x509(signing_certificates=certificates(make_root().pem))


def completed(entry: Any, stored: Any = None) -> Any:
    return with_attestation(entry, stored, ca_certificates=(), randomness=CountedRandomness())


@pytest.mark.parametrize(
    ("entry", "row", "fact"),
    [
        (individual(attestation=AttestationMechanism(type=AttestationType.NONE)), errors.NOT_OFFERED, "x509, tpm"),
        (group(attestation=AttestationMechanism(type=AttestationType.NONE)), errors.NOT_OFFERED, "symmetricKey"),
        (group(attestation=AttestationMechanism(type=AttestationType.TPM)), errors.INVALID_BODY, "group"),
        (individual(attestation=AttestationMechanism(type=AttestationType.TPM)), errors.INVALID_BODY, "endorsementKey"),
        (individual(attestation=SIGNING), errors.INVALID_BODY, "clientCertificates"),
        (group(attestation=CLIENT), errors.INVALID_BODY, "signingCertificates"),
    ],
)
def test_refusals_name_what_is_wrong(entry: Any, row: ErrorRow, fact: str) -> None:
    with refused(row) as caught:
        completed(entry)
    assert fact in caught.value.message
    assert caught.value.info["field"].startswith("attestation.")


@pytest.mark.parametrize("entry", [individual(), group(), individual(attestation=CLIENT), group(attestation=SIGNING)])
def test_an_entry_keeps_everything_else(entry: Any) -> None:
    whole = completed(entry)
    assert replace(whole, attestation=entry.attestation) == entry
    assert whole.attestation.type is entry.attestation.type


def test_members_of_other_types_are_dropped() -> None:
    sent = replace(CLIENT, symmetric_key=keys("k", "k").symmetric_key, tpm=TpmAttestation(endorsement_key="e"))
    assert completed(individual(attestation=sent)) == completed(individual(attestation=CLIENT))


def test_another_type_takes_nothing_over() -> None:
    stored = completed(individual())
    changed = completed(individual(attestation=CLIENT), stored)
    assert changed.attestation.symmetric_key is None
    assert completed(individual(), changed).attestation.symmetric_key is not None


def test_the_answer_to_a_put_shows_keys_but_no_certificates() -> None:
    with_keys, with_certificate = completed(individual()), completed(individual(attestation=CLIENT))
    assert answered(with_keys) == with_keys
    assert revealed(with_keys.attestation) == with_keys.attestation
    slot = answered(with_certificate).attestation.x509.client_certificates.primary
    assert (slot.certificate, slot.info.subject_name) == (None, "CN=device-1")


def test_get_shows_neither() -> None:
    assert shown(completed(individual())).attestation == AttestationMechanism(type=AttestationType.SYMMETRIC_KEY)
    entry = completed(group(attestation=SIGNING))
    assert shown(entry) == answered(entry) != entry


def test_ca_certificates_are_needed_only_where_they_are_named() -> None:
    assert names_ca_certificates(group(attestation=by_x509(ca_references=X509CaReferences(primary="factory"))))
    assert not names_ca_certificates(group(attestation=SIGNING))
    assert not names_ca_certificates(individual())
