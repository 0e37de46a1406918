"""What a device proved itself with is what opens its hub."""

from tests.pki import make_root, make_self_signed
from tests.unit.administration.world import PRIMARY, SECONDARY
from tests.unit.provisioning.certified import store_group, store_individual, x509_mechanism
from tests.unit.provisioning.floor import ID, Floor, on_floor

from homeport.model.attestation import HubCredential, PresentedCredential, SymmetricKeyCredential, X509Credential
from homeport.model.identifiers import RegistrationId
from homeport.provisioning.hub_credentials import hub_access
from homeport.security.key_derivation import derive_device_key, encode_key
from homeport.security.sas import decode_key

MEMBER = RegistrationId("cell-7")
RESOURCE = "hub.test/devices/cell-7"


async def credential(floor: Floor, registration_id: RegistrationId, proof: PresentedCredential) -> HubCredential:
    admitted = await floor.admission.admit(floor.id_scope, registration_id, proof)
    return hub_access(admitted, RESOURCE, floor.world.randomness).credential


@on_floor
async def test_the_keys_of_an_individual_enrollment(floor: Floor) -> None:
    await floor.enroll()
    found = await credential(floor, ID, floor.proof(key=SECONDARY))
    assert found == SymmetricKeyCredential(primary_key=PRIMARY, secondary_key=SECONDARY)


@on_floor
async def test_the_keys_derived_from_a_groups(floor: Floor) -> None:
    await floor.enroll_group()
    found = await credential(floor, MEMBER, floor.proof(MEMBER, member=True))
    derived = [encode_key(derive_device_key(decode_key(key), MEMBER)) for key in (PRIMARY, SECONDARY)]
    assert found == SymmetricKeyCredential(primary_key=derived[0], secondary_key=derived[1])


@on_floor
async def test_both_certificates_of_an_individual_enrollment_the_one_that_was_shown_first(floor: Floor) -> None:
    old, new = make_self_signed(ID), make_self_signed(ID)
    await store_individual(floor, ID, x509_mechanism(client=old, secondary=new))
    found = await credential(floor, ID, PresentedCredential(certificate_chain=new.chain))
    assert found == X509Credential(primary_thumbprint=new.sha256_thumbprint, secondary_thumbprint=old.sha256_thumbprint)


@on_floor
async def test_the_certificate_that_a_groups_device_showed(floor: Floor) -> None:
    root = make_root()
    device = root.leaf(MEMBER)
    await store_group(floor, "Line-1", x509_mechanism(signing=root))
    found = await credential(floor, MEMBER, PresentedCredential(certificate_chain=device.chain))
    assert found == X509Credential(primary_thumbprint=device.sha256_thumbprint)
