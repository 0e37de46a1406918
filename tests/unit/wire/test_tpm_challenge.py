"""The challenge as clients read it: C wants no status and both members, Node the blob, and all of them a 401."""

import json
from datetime import UTC, datetime

from homeport.model.attestation import TpmChallenge
from homeport.wire.tpm_challenge import challenge_body

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_the_body_holds_the_blob_and_the_name_of_its_key() -> None:
    body = json.loads(challenge_body(TpmChallenge(authentication_key=b"\x00\x01blob"), tracking_id="t-1", now=NOW))
    assert body["authenticationKey"] == "AAFibG9i"
    assert body["keyName"] == "registration"
    assert "status" not in body


def test_the_body_is_an_error_s_too() -> None:
    body = json.loads(challenge_body(TpmChallenge(authentication_key=b"blob"), tracking_id="t-1", now=NOW))
    assert (body["errorCode"], body["trackingId"], body["timestampUtc"]) == (401004, "t-1", "2026-11-24T12:00:00Z")
    assert "Activate authenticationKey" in body["message"]
