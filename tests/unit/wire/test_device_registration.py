"""The body of `register`, as SDKs and others send it."""

import pytest

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.identifiers import RegistrationId
from homeport.wire.device_registration import read_registration, read_registration_payload

DEVICE = RegistrationId("Dev-1")


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", None),
        (b" \n", None),
        (b"{}", None),
        (b'{"payload": null, "registrationId": "Dev-1"}', None),
        (b'{"registrationId":"dev-1"}', None),
        (b'{"registrationId":"dev-1","payload":"text"}', b'"text"'),
        (b'{"payload": {"a": [1, 2.50]} }', b'{"a": [1, 2.50]}'),
        (b'{"payload":false}', b"false"),
        (b'{"tpm":{"endorsementKey":"eA=="},"csr":7,"unknown":[]}', None),
    ],
    ids=["C#", "blank", "empty", "Python", "Node", "Java", "spelling kept", "false", "other members"],
)
def test_payload(body: bytes, payload: bytes | None) -> None:
    assert read_registration_payload(body, DEVICE) == payload


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "truncated"),
        (b"[]", "got `array`"),
        (b"{}{}", "trailing"),
        (b'{"payload":{"a":NaN}}', "malformed"),
        (b'{"payload":{"a":"\x01"}}', "malformed"),
        (b'{"payload":"\xff"}', "not UTF-8"),
        (b'{"registrationId":5}', "registrationId"),
        (b'{"registrationId":"dev-2"}', "not the one of this request"),
        (b'{"payload":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}", "too deeply"),
    ],
    ids=["cut off", "array", "two", "no number", "control character", "UTF-8", "type", "another device", "deep"],
)
def test_refused_body(body: bytes, reason: str) -> None:
    with pytest.raises(HomeportError, match=reason) as caught:
        read_registration_payload(body, DEVICE)
    assert caught.value.row is errors.INVALID_BODY


def test_a_tpm_shows_its_public_keys() -> None:
    body = b'{"registrationId":"device-1","tpm":{"endorsementKey":"AAE=","storageRootKey":"AAI="}}'
    said = read_registration(body, RegistrationId("device-1"))
    assert (said.endorsement_key, said.storage_root_key, said.payload) == (b"\x00\x01", b"\x00\x02", None)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"tpm":null}', b'{"tpm":{}}', b'{"tpm":{"endorsementKey":null}}'])
def test_most_devices_have_no_tpm(body: bytes) -> None:
    said = read_registration(body, RegistrationId("device-1"))
    assert said.endorsement_key is None
    assert said.storage_root_key is None


def test_a_public_key_that_is_no_base64_is_refused_with_its_place() -> None:
    with pytest.raises(HomeportError) as refusal:
        read_registration(b'{"tpm":{"endorsementKey":"!"}}', RegistrationId("device-1"))
    assert refusal.value.row is errors.INVALID_BODY
    assert refusal.value.info["path"] == "$.tpm.endorsementKey"
