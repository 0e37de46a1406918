"""The answer to a TPM that has shown its keys and not yet proved that it holds them.

Clients read it out of a 401 (device-protocol notes, section D): C wants both `authenticationKey` and `keyName` and no
`status`; Node and Java read the blob alone. The rest is as in every error, for those who read logs.
"""

import base64
from datetime import datetime

import msgspec

from homeport import errors
from homeport.model.attestation import TpmChallenge

KEY_NAME = "registration"


class TpmChallengeBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`authentication_key` is base64 of the blob that the TPM activates; the key in it signs the SAS token."""

    error_code: int
    tracking_id: str
    message: str
    timestamp_utc: datetime
    authentication_key: str
    key_name: str = KEY_NAME


def challenge_body(challenge: TpmChallenge, *, tracking_id: str, now: datetime) -> bytes:
    """The JSON of a challenge, UTF-8."""
    row = errors.TPM_CHALLENGE
    return msgspec.json.encode(
        TpmChallengeBody(
            error_code=row.code,
            tracking_id=tracking_id,
            message=row.message,
            timestamp_utc=now,
            authentication_key=base64.b64encode(challenge.authentication_key).decode(),
        )
    )
