"""A proof that held a moment ago: what spares its second check, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.pki import EXPIRED, Identity, make_root
from tests.unit.administration.world import SECONDARY, keys, refused
from tests.unit.provisioning.certified import store_group, x509_mechanism
from tests.unit.provisioning.floor import ID, Floor, on_floor, status

from homeport import errors
from homeport.model.attestation import (
    AttestationType,
    AttestedIdentity,
    EnrollmentReference,
    PresentedCredential,
    TpmEvidence,
    X509CertificateInfo,
    X509Evidence,
)
from homeport.model.enrollment import ProvisioningStatus
from homeport.model.identifiers import RegistrationId, ServiceId
from homeport.provisioning.admission import DisabledEntry
from homeport.provisioning.attestation import symmetric_key
from homeport.provisioning.held_proofs import MEMORY, HeldProof, HeldProofs, ProofKey, end_of, proof_key
from homeport.security.certificates import certificate_info, parse_certificate
from homeport.security.sas import SasToken
from homeport.storage.port import RegistrationContext

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW.timestamp() + 3600
NOBODY_KNOWS = RegistrationContext(enrollment=None, record=None, subject_key=None, groups_version=1)
MEMBER = RegistrationId("cell-7")
IDENTITY = AttestedIdentity(
    service_id=ServiceId(1),
    registration_id=MEMBER,
    attestation_type=AttestationType.SYMMETRIC_KEY,
    enrollment=EnrollmentReference(enrollment_group_id="Line-1"),
)


def key(token: str = "token") -> ProofKey:
    return proof_key(ServiceId(1), MEMBER, NOBODY_KNOWS, PresentedCredential(sas_token=token))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_proof_is_remembered_for_a_while() -> None:
    proofs = HeldProofs()
    proofs.remember(key(), HeldProof(identity=IDENTITY, until=LATER), NOW)
    assert proofs.recall(key(), NOBODY_KNOWS, after(MEMORY - 1)) is IDENTITY
    assert proofs.recall(key(), NOBODY_KNOWS, after(MEMORY)) is None


def test_a_proof_is_not_remembered_beyond_its_own_end() -> None:
    proofs = HeldProofs()
    proofs.remember(key(), HeldProof(identity=IDENTITY, until=NOW.timestamp() + 2), NOW)
    assert proofs.recall(key(), NOBODY_KNOWS, after(1)) is IDENTITY
    assert proofs.recall(key(), NOBODY_KNOWS, after(2)) is None


def test_another_credential_is_another_proof() -> None:
    proofs = HeldProofs()
    proofs.remember(key(), HeldProof(identity=IDENTITY, until=LATER), NOW)
    assert proofs.recall(key("another"), NOBODY_KNOWS, NOW) is None


def test_no_more_are_remembered_than_allowed_and_the_oldest_goes() -> None:
    proofs = HeldProofs(most=2)
    for token in ("first", "second", "first", "third"):
        proofs.remember(key(token), HeldProof(identity=IDENTITY, until=LATER), NOW)
    known = [proofs.recall(key(token), NOBODY_KNOWS, NOW) is not None for token in ("first", "second", "third")]
    assert known == [True, False, True]


def test_a_certificate_ends_with_itself_or_with_the_groups() -> None:
    root = make_root()
    young, old = (facts(root.leaf(MEMBER)), facts(root.leaf(MEMBER, valid=EXPIRED)))
    assert end_of(X509Evidence(certificate=young)) == young.not_after_utc.timestamp()
    assert end_of(X509Evidence(certificate=young, signing_certificate=old)) == old.not_after_utc.timestamp()


def test_what_a_tpm_has_signed_is_not_remembered() -> None:
    assert end_of(TpmEvidence(endorsement_key=b"", storage_root_key=b"")) < NOW.timestamp()


def facts(identity: Identity) -> X509CertificateInfo:
    return certificate_info(parse_certificate(identity.der))


@on_floor
async def test_a_poll_with_the_same_token_is_not_judged_again(floor: Floor) -> None:
    await floor.enroll()
    proof = floor.proof()
    answer, _ = await floor.register(proof=proof)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(symmetric_key, "read_token", _never)
        assert status(await floor.poll(status(answer).operation_id, proof=proof)).status == "assigned"


@on_floor
async def test_a_poll_with_the_same_certificate_is_not_judged_again(floor: Floor) -> None:
    root = make_root()
    await store_group(floor, "Line-1", x509_mechanism(signing=root))
    proof = PresentedCredential(certificate_chain=root.leaf(MEMBER).chain)
    first = await floor.admission.admit(floor.id_scope, MEMBER, proof)
    assert (await floor.admission.admit(floor.id_scope, MEMBER, proof)).identity is first.identity


@on_floor
async def test_a_key_that_was_changed_ends_what_was_proved_with_the_old_one(floor: Floor) -> None:
    await floor.enroll()
    proof = floor.proof()
    await floor.register(proof=proof)
    await floor.enroll(attestation=keys(SECONDARY, SECONDARY))
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await floor.register(proof=proof)
    assert refusal.value.cause == "wrong_key"


@on_floor
async def test_a_groups_key_that_was_changed_ends_it_too(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    proof = floor.proof(MEMBER, member=True)
    await floor.register(MEMBER, proof)
    await floor.enroll_group("Line-1", replaces=True, attestation=keys(SECONDARY, SECONDARY))
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await floor.register(MEMBER, proof)
    assert refusal.value.cause == "no_entry_fits"


@on_floor
async def test_an_entry_that_was_disabled_is_seen_at_once(floor: Floor) -> None:
    await floor.enroll()
    proof = floor.proof()
    await floor.admission.admit(floor.id_scope, RegistrationId(ID), proof)
    await floor.enroll(provisioning_status=ProvisioningStatus.DISABLED)
    with pytest.raises(DisabledEntry):
        await floor.admission.admit(floor.id_scope, RegistrationId(ID), proof)


@on_floor
async def test_a_token_that_has_expired_is_judged(floor: Floor) -> None:
    await floor.enroll()
    proof = floor.proof(lifetime=10)
    await floor.register(proof=proof)
    floor.world.clock.advance(10)
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await floor.register(proof=proof)
    assert refusal.value.cause == "sas_expired"


def _never(*words: object, **named: object) -> SasToken:
    raise AssertionError("the token was read again")
