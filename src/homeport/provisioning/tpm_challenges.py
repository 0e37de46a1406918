"""Challenges to TPMs: issue one, let it count once.

A challenge is a key that only the TPM which it was made for can take out of its blob; the SAS token signed with it
proves the TPM. Counterparts: `attestation/tpm.py` judges the answer, `admission.py` says that one is needed.
"""

from datetime import timedelta

from homeport import errors
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.attestation import IssuedChallenge, TpmChallenge
from homeport.model.registration import RegistrationRecord
from homeport.provisioning.admission import ChallengeNeeded
from homeport.security.tpm_credential import make_credential_blob
from homeport.storage.changes import ChangedMeanwhile, PutTpmChallenge, SpendTpmChallenge
from homeport.storage.port import Storage

CHALLENGE_LIFE = timedelta(hours=1)
"""How long an answer counts: as long as the tokens of most clients, so that a slow hub can be waited for."""
_KEY_BYTES = 32


class TpmChallenges:
    """The open challenges of the service's TPMs; the newest one of a device is the only one."""

    def __init__(self, storage: Storage, *, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def issue(self, needed: ChallengeNeeded) -> TpmChallenge:
        """A new challenge, kept before it leaves."""
        keys = needed.keys
        challenge = IssuedChallenge(
            service_id=needed.service.service_id,
            registration_id=needed.registration_id,
            key=self._randomness.token(_KEY_BYTES),
            endorsement_key=keys.endorsement_key,
            storage_root_key=keys.storage_root_key,
            expires_at=self._clock.now() + CHALLENGE_LIFE,
        )
        resource = f"{needed.service.id_scope}/registrations/{needed.registration_id}"
        blob = make_credential_blob(
            challenge.endorsement_key,
            challenge.storage_root_key,
            challenge.key,
            resource,
            random=self._randomness.token,
        )
        await self._storage.apply([PutTpmChallenge(challenge=challenge)])
        return TpmChallenge(authentication_key=blob)

    async def spend(self, challenge: IssuedChallenge) -> None:
        """Let it count for one connection.

        Raises:
            HomeportError: ATTESTATION_FAILED; it has counted before, or a newer one was issued.
        """
        try:
            await self._storage.apply([SpendTpmChallenge(challenge=challenge, spent_on="")])
        except ChangedMeanwhile:
            raise _spent() from None


def begun_with(challenge: IssuedChallenge | None, record: RegistrationRecord | None) -> RegistrationRecord | None:
    """The registration that the challenge has counted for; None if it is still to count, or there is none.

    A device that lost our answer repeats itself, and gets it again; it does not register once more.

    Raises:
        HomeportError: ATTESTATION_FAILED; the challenge counted for a registration that another one has followed.
    """
    if challenge is None or challenge.spent_on is None:
        return None
    if record is None or record.operation_id != challenge.spent_on:
        raise _spent()
    return record


def _spent() -> HomeportError:
    return HomeportError(
        errors.ATTESTATION_FAILED,
        "The TPM's token answers a challenge that was used before; ask for a new one.",
        cause="tpm_challenge_spent",
    )
