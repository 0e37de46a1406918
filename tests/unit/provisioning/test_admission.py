"""Who stands before us: ID scope, entry, and what a connection may still claim later."""

import pytest
from msgspec.structs import replace
from tests.pki import make_root, make_self_signed
from tests.unit.administration.world import ME, PRIMARY, SECONDARY, keys, refused
from tests.unit.provisioning.certified import store_group, store_individual, x509_mechanism
from tests.unit.provisioning.floor import ID, Floor, on_floor

from homeport import errors
from homeport.model.attestation import (
    AttestationType,
    AttestedIdentity,
    EnrollmentReference,
    PresentedCredential,
    X509Evidence,
)
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment, ProvisioningStatus
from homeport.model.identifiers import ANY_ETAG, EnrollmentGroupId, RegistrationId
from homeport.provisioning.admission import Admitted, DisabledEntry

MEMBER = RegistrationId("cell-7")


async def admit(
    floor: Floor, registration_id: str = ID, proof: PresentedCredential | AttestedIdentity | None = None
) -> Admitted:
    return await floor.admission.admit(
        floor.id_scope, RegistrationId(registration_id), proof or floor.proof(registration_id)
    )


async def admit_member(floor: Floor, registration_id: str = MEMBER, **fields: str) -> Admitted:
    return await admit(floor, registration_id, floor.proof(registration_id, member=True, **fields))


@on_floor
async def test_an_individual_enrollment_vouches_with_either_key(floor: Floor) -> None:
    await floor.enroll()
    for key in (PRIMARY, SECONDARY):
        admitted = await admit(floor, proof=floor.proof(key=key))
        assert isinstance(admitted.entry, IndividualEnrollment)
        assert admitted.identity.enrollment == EnrollmentReference()


@on_floor
async def test_a_group_vouches_for_a_device_with_a_derived_key(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    admitted = await admit_member(floor)
    assert isinstance(admitted.entry, EnrollmentGroup)
    assert admitted.identity.enrollment.enrollment_group_id == "Line-1"


@on_floor
async def test_the_individual_enrollment_goes_before_the_group(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    await floor.enroll(MEMBER, attestation=keys(SECONDARY, SECONDARY))
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await admit_member(floor)
    assert refusal.value.cause == "wrong_key"
    admitted = await admit(floor, MEMBER, floor.proof(MEMBER, key=SECONDARY))
    assert isinstance(admitted.entry, IndividualEnrollment)


@on_floor
async def test_each_device_finds_its_own_group(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    await floor.enroll_group("Line-2", attestation=keys("dGhlLW90aGVyLWtleS1vZi10d28=", "YW5kLWl0cy1zZWNvbmRhcnkta2V5"))
    admitted = await admit_member(floor, key="dGhlLW90aGVyLWtleS1vZi10d28=")
    assert admitted.identity.enrollment.enrollment_group_id == "Line-2"


@on_floor
async def test_the_group_of_last_time_is_tried_first(floor: Floor) -> None:
    """Two groups with the same keys: the oldest vouches for a new device, the last one for a known device."""
    await floor.enroll_group("Line-1")
    await floor.enroll_group("Line-2")
    assert (await admit_member(floor)).identity.enrollment.enrollment_group_id == "Line-1"
    await floor.world.record(MEMBER, group_id="Line-2")
    assert (await admit_member(floor)).identity.enrollment.enrollment_group_id == "Line-2"


@on_floor
async def test_a_changed_group_is_read_anew(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    await admit_member(floor)
    fresh = "bmV3LWtleS1vZi1hdC1sZWFzdC0xNg=="
    await floor.enroll_group("Line-1", replaces=True, attestation=keys(fresh, fresh))
    with refused(errors.ATTESTATION_FAILED):
        await admit_member(floor)
    assert (await admit_member(floor, key=fresh)).identity.enrollment.enrollment_group_id == "Line-1"


@on_floor
async def test_an_id_scope_is_compared_ignoring_case(floor: Floor) -> None:
    await floor.enroll()
    admitted = await floor.admission.admit(floor.id_scope.upper(), ID, floor.proof())
    assert admitted.service.id_scope == floor.id_scope


@on_floor
async def test_an_unknown_id_scope_is_refused(floor: Floor) -> None:
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await floor.admission.admit("0ne99999999", ID, floor.proof())
    assert refusal.value.cause == "unknown_id_scope"


@on_floor
async def test_a_service_made_later_is_found(floor: Floor) -> None:
    await floor.enroll()
    await admit(floor)
    later, _ = await floor.world.services.create("later", host_name="later.test", actor=ME)
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await floor.admission.admit(later.id_scope, ID, floor.proof())
    assert refusal.value.cause == "sas_resource"


@on_floor
async def test_one_service_does_not_vouch_for_anothers_devices(floor: Floor) -> None:
    await floor.enroll()
    other, _ = await floor.world.services.create("other", host_name="other.test", actor=ME)
    floor.id_scope = other.id_scope
    with refused(errors.ENROLLMENT_NOT_FOUND):
        await admit(floor)


@on_floor
async def test_without_a_token_nobody_is_admitted(floor: Floor) -> None:
    await floor.enroll()
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await admit(floor, proof=PresentedCredential(certificate_chain=(b"certificate",)))
    assert refusal.value.cause == "no_credential"


@on_floor
async def test_a_refusal_names_the_subject_that_is_known(floor: Floor) -> None:
    await floor.enroll()
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await admit(floor, proof=floor.proof(lifetime=0))
    subject = await floor.world.storage.audit.subject_key(floor.world.service_id, ID)
    assert refusal.value.subject == subject
    assert subject


@on_floor
async def test_a_disabled_entry_is_told_apart_by_the_proof(floor: Floor) -> None:
    await floor.enroll(provisioning_status=ProvisioningStatus.DISABLED)
    with pytest.raises(DisabledEntry) as disabled:
        await admit(floor)
    assert disabled.value.identity.registration_id == ID
    assert disabled.value.refusal.row is errors.ENROLLMENT_DISABLED
    with refused(errors.ENROLLMENT_DISABLED) as refusal:
        await admit(floor, proof=floor.proof(key="d3Jvbmcta2V5LW9mLTE2LWJ5dGVz"))
    assert refusal.value.cause == "disabled_unproven"


@on_floor
async def test_an_identity_whose_entry_was_deleted_no_longer_counts(floor: Floor) -> None:
    await floor.enroll()
    identity = (await admit(floor)).identity
    await floor.world.enrollments.delete(floor.world.service_id, ID, if_match=ANY_ETAG, actor=ME)
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await admit(floor, proof=identity)
    assert refusal.value.cause == "entry_gone"


@on_floor
async def test_an_identity_of_a_group_yields_to_a_new_individual_enrollment(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    identity = (await admit_member(floor)).identity
    await floor.enroll(MEMBER)
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await admit(floor, MEMBER, identity)
    assert refusal.value.cause == "entry_gone"


@on_floor
async def test_a_worker_rereads_what_vouches_now(floor: Floor) -> None:
    await floor.enroll_group("Line-1")
    admitted = await admit_member(floor)
    again = await floor.restarted().admission.reread(admitted.service, admitted.identity)
    assert again.entry == admitted.entry
    group_id = EnrollmentGroupId("Line-1")
    await floor.world.groups.delete(floor.world.service_id, group_id, if_match=ANY_ETAG, actor=ME)
    with refused(errors.ATTESTATION_FAILED):
        await floor.admission.reread(admitted.service, admitted.identity)


def test_nothing_that_holds_keys_shows_them() -> None:
    assert PRIMARY not in repr(keys(PRIMARY, SECONDARY))
    assert repr(PresentedCredential(sas_token=PRIMARY)) == "PresentedCredential(…)"


@on_floor
async def test_a_certificate_proves_a_device_to_its_individual_enrollment(floor: Floor) -> None:
    device = make_self_signed(ID)
    await store_individual(floor, ID, x509_mechanism(client=device))
    admitted = await admit(floor, ID, PresentedCredential(certificate_chain=device.chain))
    assert admitted.identity.attestation_type is AttestationType.X509
    assert isinstance(admitted.identity.evidence, X509Evidence)


@on_floor
async def test_a_certificate_proves_a_device_to_a_group(floor: Floor) -> None:
    root = make_root()
    await store_group(floor, "Line-1", x509_mechanism(signing=root))
    admitted = await admit(floor, MEMBER, PresentedCredential(certificate_chain=root.leaf(MEMBER).chain))
    assert admitted.identity.enrollment == EnrollmentReference(enrollment_group_id="Line-1")
    assert isinstance(admitted.entry, EnrollmentGroup)


@on_floor
async def test_a_token_speaks_for_itself_whatever_certificate_tls_showed(floor: Floor) -> None:
    root = make_root()
    await store_group(floor, "Certificates", x509_mechanism(signing=root))
    await floor.enroll_group("Keys")
    both = replace(floor.proof(MEMBER, member=True), certificate_chain=root.leaf(MEMBER).chain)
    admitted = await admit(floor, MEMBER, both)
    assert admitted.identity.enrollment.enrollment_group_id == "Keys"


@on_floor
async def test_a_disabled_individual_entry_of_any_kind_shuts_a_groups_member_out(floor: Floor) -> None:
    root = make_root()
    proof = PresentedCredential(certificate_chain=root.leaf(MEMBER).chain)
    await store_group(floor, "Line-1", x509_mechanism(signing=root))
    await floor.enroll(MEMBER, provisioning_status=ProvisioningStatus.DISABLED)
    with refused(errors.ENROLLMENT_DISABLED) as refusal:
        await admit(floor, MEMBER, proof)
    assert refusal.value.cause == "disabled_unproven"
    await floor.world.enrollments.delete(floor.world.service_id, MEMBER, actor=ME)
    assert isinstance((await admit(floor, MEMBER, proof)).entry, EnrollmentGroup)


@on_floor
async def test_a_disabled_intermediate_group_refuses_under_an_enabled_root_group(floor: Floor) -> None:
    root = make_root()
    line = root.intermediate("Line 1")
    await store_group(floor, "Root", x509_mechanism(signing=root))
    await store_group(floor, "Line", x509_mechanism(signing=line), provisioning_status=ProvisioningStatus.DISABLED)
    with pytest.raises(DisabledEntry):
        await admit(floor, MEMBER, PresentedCredential(certificate_chain=line.leaf(MEMBER).chain))


@on_floor
async def test_a_connection_does_not_outlive_a_change_of_mechanism(floor: Floor) -> None:
    await floor.enroll()
    identity = (await admit(floor)).identity
    device = make_self_signed(ID)
    await store_individual(floor, ID, x509_mechanism(client=device), replaces=True)
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await admit(floor, proof=identity)
    assert refusal.value.cause == "entry_gone"
