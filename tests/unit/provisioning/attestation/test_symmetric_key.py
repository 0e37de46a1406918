"""Attestation by symmetric key: what proves a registration ID, and the exact cause of each refusal."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.administration.world import PRIMARY, SECONDARY, group, individual, keys, refused

from homeport import errors
from homeport.model.attestation import AttestationMechanism, AttestationType, EnrollmentReference
from homeport.model.enrollment import EnrollmentGroup, ProvisioningStatus
from homeport.model.identifiers import RegistrationId
from homeport.provisioning.attestation import symmetric_key
from homeport.provisioning.attestation.symmetric_key import CandidateGroup
from homeport.security.key_derivation import derive_device_key
from homeport.security.sas import SasToken, decode_key, parse_sas_token, sign_sas_token

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
SCOPE = "0ne0000ABCD"
ID = RegistrationId("Device-1")
OTHER_KEY = "YW5vdGhlci1rZXktb2YtMjMtYnl0ZXM="
RESOURCE = f"{SCOPE}/registrations/{ID}"
WITH_KEYS = keys(PRIMARY, SECONDARY)
X509 = AttestationMechanism(type=AttestationType.X509)


def signed(key: bytes | str = PRIMARY, *, resource: str = RESOURCE, lifetime: int = 60, **fields: Any) -> str:
    raw = decode_key(key) if isinstance(key, str) else key
    return sign_sas_token(resource=resource, key=raw, expiry=int(NOW.timestamp()) + lifetime, **fields)


def read(text: str) -> SasToken:
    return symmetric_key.read_token(text, id_scope=SCOPE, registration_id=ID, now=NOW)


def token(key: bytes | str = PRIMARY) -> SasToken:
    return parse_sas_token(signed(key))


def candidates(*groups: EnrollmentGroup) -> tuple[CandidateGroup, ...]:
    return symmetric_key.candidates(groups or (group("Line-1", attestation=WITH_KEYS),))


@pytest.mark.parametrize(
    "resource",
    [
        RESOURCE,
        RESOURCE.replace("/", "%2F"),
        RESOURCE.replace("/", "%2f").replace("-", "%2d"),
        RESOURCE.lower(),
        RESOURCE.upper().replace("/", "%2F"),
    ],
)
@pytest.mark.parametrize("name", [{}, {"key_name": ""}, {"key_name": "registration"}])
def test_every_clients_spelling_is_read(resource: str, name: dict[str, str]) -> None:
    assert read(signed(resource=resource, **name)).is_signed_by(decode_key(PRIMARY))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "sas_malformed"),
        ("Bearer eyJhbGciOi", "sas_malformed"),
        (signed().replace("&se=", "&xx="), "sas_malformed"),
        (signed(lifetime=0), "sas_expired"),
        (signed(lifetime=-1), "sas_expired"),
        (signed(resource=f"{SCOPE}/registrations/Device-2"), "sas_resource"),
        (signed(resource=f"0ne0000FFFF/registrations/{ID}"), "sas_resource"),
        (signed(resource=f"{RESOURCE}/register"), "sas_resource"),
        (signed(resource=RESOURCE.replace("/", "%252F")), "sas_resource"),
        (signed(resource=SCOPE), "sas_resource"),
        (signed(key_name="provisioningserviceowner"), "sas_key_name"),
        (signed(key_name="Registration"), "sas_key_name"),
    ],
)
def test_what_is_wrong_with_a_token_is_told_apart(text: str, cause: str) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        read(text)
    assert refusal.value.cause == cause


def test_a_token_is_good_until_its_last_second() -> None:
    assert read(signed(lifetime=1)).expiry == int(NOW.timestamp()) + 1


def test_no_refusal_repeats_the_token() -> None:
    text = signed(resource="secret-resource", key_name="secret-name")
    with refused(errors.ATTESTATION_FAILED) as refusal:
        read(text)
    assert "secret" not in refusal.value.message
    assert "sig" not in refusal.value.message.replace("sign", "")


@pytest.mark.parametrize("key", [PRIMARY, SECONDARY])
def test_either_key_of_an_individual_enrollment_proves_it(key: str) -> None:
    enrollment = individual(ID, attestation=WITH_KEYS)
    assert symmetric_key.attest_individual(token(key), enrollment) == EnrollmentReference()


@pytest.mark.parametrize("status", list(ProvisioningStatus))
def test_a_wrong_key_is_refused(status: ProvisioningStatus) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        symmetric_key.attest_individual(
            token(OTHER_KEY), individual(ID, attestation=WITH_KEYS, provisioning_status=status)
        )
    assert refusal.value.cause == "wrong_key"


def test_a_disabled_entry_whose_signature_fits_is_the_callers_to_refuse() -> None:
    enrollment = individual(ID, attestation=WITH_KEYS, provisioning_status=ProvisioningStatus.DISABLED)
    assert symmetric_key.attest_individual(token(), enrollment) == EnrollmentReference()


@pytest.mark.parametrize("key", [PRIMARY, SECONDARY])
def test_either_derived_key_proves_a_member(key: str) -> None:
    derived = derive_device_key(decode_key(key), ID)
    found = symmetric_key.attest_member(token(derived), ID, candidates())
    assert found == EnrollmentReference(enrollment_group_id="Line-1")


def test_the_first_group_that_fits_decides() -> None:
    groups = [group(name, attestation=WITH_KEYS) for name in ("Line-1", "Line-2")]
    derived = derive_device_key(decode_key(PRIMARY), ID)
    assert symmetric_key.attest_member(token(derived), ID, candidates(*groups)).enrollment_group_id == "Line-1"


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        (PRIMARY, "group_key_itself"),
        (SECONDARY, "group_key_itself"),
        (OTHER_KEY, "no_entry_fits"),
        (derive_device_key(decode_key(PRIMARY), "Device-2"), "no_entry_fits"),
        (derive_device_key(decode_key(PRIMARY), ID.lower()), "no_entry_fits"),
        (derive_device_key(decode_key(OTHER_KEY), ID), "no_entry_fits"),
    ],
)
def test_a_stranger_to_every_group_is_refused(key: bytes | str, cause: str) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        symmetric_key.attest_member(token(key), ID, candidates())
    assert refusal.value.cause == cause


def test_without_groups_the_registration_id_is_unknown() -> None:
    with refused(errors.ENROLLMENT_NOT_FOUND) as refusal:
        symmetric_key.attest_member(token(), ID, ())
    assert refusal.value.cause == "unknown_registration_id"


def test_only_groups_that_attest_by_key_are_candidates() -> None:
    found = candidates(group("certified", attestation=X509), group("Line-1", attestation=WITH_KEYS))
    assert [each.group.enrollment_group_id for each in found] == ["Line-1"]


def test_a_key_pair_tries_both_and_shows_neither() -> None:
    pair = symmetric_key.key_pair(WITH_KEYS)
    assert pair.signed(token(PRIMARY))
    assert pair.signed(token(SECONDARY))
    assert not pair.signed(token(OTHER_KEY))
    assert repr(pair) == "KeyPair(…)"
    assert (pair.credential().primary_key, pair.credential().secondary_key) == (PRIMARY, SECONDARY)
