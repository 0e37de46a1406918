"""A TPM registers: it shows its keys, is challenged, answers, and each challenge counts once."""

import base64
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace
from tests.tpm.public_keys import EK, OTHER_EK, SRK
from tests.unit.administration.world import refused
from tests.unit.provisioning.floor import ID, Floor, on_floor, status

from homeport import errors
from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    AttestedIdentity,
    PresentedCredential,
    TpmAttestation,
    TpmChallenge,
    TpmEvidence,
)
from homeport.model.enrollment import ProvisioningStatus
from homeport.model.registration import RegistrationOperation, RegistrationStatus
from homeport.provisioning.tpm_challenges import CHALLENGE_LIFE
from homeport.security.sas import sign_sas_token

SHOWN = PresentedCredential(endorsement_key=EK, storage_root_key=SRK)


@dataclass
class TpmDevice:
    """A device on the floor; the key in its challenge is looked up where a TPM would open the blob."""

    floor: Floor
    blobs: list[bytes] = field(default_factory=list)

    async def ask(self, shown: PresentedCredential = SHOWN) -> TpmChallenge:
        challenge, _ = await self.floor.registrations.register(
            id_scope=self.floor.id_scope, registration_id=ID, proof=shown, payload=None
        )
        assert isinstance(challenge, TpmChallenge)
        self.blobs.append(challenge.authentication_key)
        return challenge

    async def answer(self) -> PresentedCredential:
        """A token signed with the key of the newest challenge."""
        world = self.floor.world
        issued = await world.storage.registrations.tpm_challenge(world.service_id, ID)
        assert issued is not None
        token = sign_sas_token(
            resource=f"{self.floor.id_scope}%2Fregistrations%2F{ID}",
            key=issued.key,
            expiry=int(world.clock.now().timestamp()) + 7200,
            key_name="registration",
        )
        return replace(SHOWN, sas_token=token)

    async def register(self, proof: PresentedCredential | AttestedIdentity) -> str:
        """Register, and return the operation's ID."""
        answer, _ = await self.floor.register(proof=proof)
        assert isinstance(answer, RegistrationOperation)
        return status(answer).operation_id


async def enrolled(floor: Floor, **fields: object) -> TpmDevice:
    known = TpmAttestation(endorsement_key=base64.b64encode(EK).decode())
    await floor.enroll(attestation=AttestationMechanism(type=AttestationType.TPM, tpm=known), **fields)
    return TpmDevice(floor)


@on_floor
async def test_a_tpm_is_challenged_answers_and_is_assigned(floor: Floor) -> None:
    device = await enrolled(floor)
    await device.ask()
    proof = await device.answer()
    operation_id = await device.register(proof)
    polled = status(await floor.poll(operation_id, proof=replace(proof, endorsement_key=None, storage_root_key=None)))
    assert polled.status is RegistrationStatus.ASSIGNED
    assert polled.registration_state is not None
    assert polled.registration_state.tpm is not None
    blob = base64.b64decode(polled.registration_state.tpm.authentication_key)
    assert blob not in device.blobs


@on_floor
async def test_the_key_to_the_hub_is_in_the_second_blob_only(floor: Floor) -> None:
    device = await enrolled(floor)
    await device.ask()
    await device.register(await device.answer())
    record = await floor.record()
    assert isinstance(record.evidence, TpmEvidence)
    assert record.evidence.authentication_key is not None
    (hub,) = await floor.world.storage.settings.linked_hubs(floor.world.service_id)
    known = await floor.world.storage.hub_devices.device(hub.service_id, hub.host_name, record.device_id)
    assert known is not None
    assert known.primary_key == known.secondary_key
    assert base64.b64decode(known.primary_key) not in record.evidence.authentication_key


@on_floor
async def test_a_device_that_lost_our_answer_gets_it_again(floor: Floor) -> None:
    device = await enrolled(floor)
    await device.ask()
    proof = await device.answer()
    assert await device.register(proof) == await device.register(proof)


@on_floor
async def test_a_challenge_does_not_begin_a_second_registration(floor: Floor) -> None:
    device = await enrolled(floor)
    await device.ask()
    old = await device.answer()
    first = await device.register(old)
    await device.ask()
    second = await device.register(await device.answer())
    assert second != first
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await device.register(old)
    assert refusal.value.cause == "tpm_wrong_key"


@on_floor
async def test_a_newer_challenge_voids_the_one_before(floor: Floor) -> None:
    device = await enrolled(floor)
    await device.ask()
    old = await device.answer()
    await device.ask()
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await device.register(old)
    assert refusal.value.cause == "tpm_wrong_key"


@on_floor
async def test_a_challenge_ends(floor: Floor) -> None:
    device = await enrolled(floor)
    await device.ask()
    proof = await device.answer()
    floor.world.clock.advance(CHALLENGE_LIFE.total_seconds())
    with refused(errors.ATTESTATION_FAILED) as refusal:
        await device.register(proof)
    assert refusal.value.cause == "tpm_no_challenge"


@on_floor
async def test_a_connection_spends_its_challenge(floor: Floor) -> None:
    device = await enrolled(floor)
    attest = {"id_scope": floor.id_scope, "registration_id": ID}
    challenge, _ = await floor.registrations.attest(**attest, credential=SHOWN)
    assert isinstance(challenge, TpmChallenge)
    proof = await device.answer()
    identity, _ = await floor.registrations.attest(**attest, credential=proof)
    assert isinstance(identity, AttestedIdentity)
    assert await device.register(identity)
    for again in (
        floor.registrations.attest(**attest, credential=proof),
        device.register(proof),
    ):
        with refused(errors.ATTESTATION_FAILED) as refusal:
            await again
        assert refusal.value.cause == "tpm_challenge_spent"


@pytest.mark.parametrize("shown", [PresentedCredential(endorsement_key=OTHER_EK, storage_root_key=SRK)])
def test_a_stranger_is_not_challenged(shown: PresentedCredential) -> None:
    @on_floor
    async def scenario(floor: Floor) -> None:
        device = await enrolled(floor)
        with refused(errors.ATTESTATION_FAILED) as refusal:
            await device.ask(shown)
        assert refusal.value.cause == "wrong_endorsement_key"

    scenario()


@on_floor
async def test_a_disabled_enrollment_challenges_nobody(floor: Floor) -> None:
    device = await enrolled(floor, provisioning_status=ProvisioningStatus.DISABLED)
    with refused(errors.ENROLLMENT_DISABLED):
        await device.ask()
