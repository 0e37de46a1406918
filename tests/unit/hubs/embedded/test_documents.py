"""The JSON of the hub's REST API, both ways."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.unit.administration.world import PRIMARY, SECONDARY, refused
from tests.unit.hubs.site import DEVICE, Site, at_site

from homeport import errors
from homeport.hubs.embedded.documents import (
    NEVER,
    DeviceBody,
    TwinBody,
    bare,
    device_document,
    message_document,
    read_device,
    read_twin,
    twin_document,
)
from homeport.hubs.embedded.identities import DeviceDescription
from homeport.hubs.embedded.twins import TwinPatch, operators_etag
from homeport.model.identifiers import ETag
from homeport.model.telemetry import Message

NO_THUMBPRINTS = {"primaryThumbprint": None, "secondaryThumbprint": None}
KEYS = {"primaryKey": PRIMARY, "secondaryKey": SECONDARY}


def device_body(**fields: Any) -> DeviceBody:
    return msgspec.convert(fields, DeviceBody)


def message(body: bytes, *properties: tuple[str, str]) -> Message:
    at = datetime(2030, 1, 2, tzinfo=UTC)
    return Message(sequence_number=7, enqueued_at=at, device_id=DEVICE, body=body, properties=properties)


# --- out ------------------------------------------------------------------------------------------------------


@at_site
async def test_a_device(site: Site) -> None:
    device = await site.device(secondary_key=SECONDARY)
    assert device_document(device, connected=True) == {
        "deviceId": DEVICE,
        "generationId": device.generation_id,
        "etag": device.etag.strip('"'),
        "connectionState": "Connected",
        "status": "enabled",
        "statusReason": None,
        "connectionStateUpdatedTime": NEVER,
        "statusUpdatedTime": NEVER,
        "lastActivityTime": NEVER,
        "cloudToDeviceMessageCount": 0,
        "capabilities": {"iotEdge": False},
        "authentication": {"type": "sas", "symmetricKey": KEYS, "x509Thumbprint": NO_THUMBPRINTS},
    }
    site.world.clock.advance(60)
    disabled = device_document(await site.update(enabled=False, status_reason="lost"), connected=False)
    assert (disabled["status"], disabled["statusReason"]) == ("disabled", "lost")
    assert (disabled["statusUpdatedTime"], disabled["connectionState"]) == (site.world.clock.now(), "Disconnected")


@at_site
async def test_a_twin(site: Site) -> None:
    await site.device()
    patch = TwinPatch(tags={"site": "a"}, desired={"rate": 5})
    (device, twin), _ = await site.embedded.twins.patch(site.hub, DEVICE, patch, if_match=None, actor="me")
    shown_at = {"$lastUpdated": twin.updated_at}
    assert twin_document(device, twin, connected=False) == {
        "deviceId": DEVICE,
        "etag": operators_etag(twin).strip('"'),
        "deviceEtag": device.etag.strip('"'),
        "status": "enabled",
        "statusReason": None,
        "statusUpdateTime": NEVER,
        "connectionState": "Disconnected",
        "lastActivityTime": NEVER,
        "cloudToDeviceMessageCount": 0,
        "authenticationType": "sas",
        "x509Thumbprint": NO_THUMBPRINTS,
        "modelId": "",
        "version": 2,
        "tags": {"site": "a"},
        "properties": {
            "desired": {"rate": 5, "$metadata": shown_at, "$version": 2},
            "reported": {"$metadata": shown_at, "$version": 1},
        },
        "capabilities": {"iotEdge": False},
    }


@pytest.mark.parametrize(
    ("body", "encoding", "shown"),
    [
        (b'{"t": 21.5}', "json", {"t": 21.5}),
        (b"21.5", "json", 21.5),
        ("wärm".encode(), "utf-8", "wärm"),
        (b"", "utf-8", ""),
        (b"\xff\x00", "base64", "/wA="),
        (b"[" * 100_000, "utf-8", "[" * 100_000),
    ],
)
def test_a_message_body_is_shown_as_readable_as_it_is(body: bytes, encoding: str, shown: object) -> None:
    document = message_document(message(body))
    assert (document["bodyEncoding"], document["body"]) == (encoding, shown)


def test_a_message_names_its_properties() -> None:
    document = message_document(message(b"1", ("$.mid", "m"), ("$.new", "?"), ("alert", "no"), ("$", "x")))
    assert document["systemProperties"] == {"messageId": "m", "$.new": "?"}
    assert document["properties"] == {"alert": "no", "$": "x"}
    assert (document["sequenceNumber"], document["deviceId"]) == (7, DEVICE)


def test_an_etag_loses_its_quotes() -> None:
    assert bare(ETag('"a"')) == "a"


# --- in -------------------------------------------------------------------------------------------------------


def test_an_empty_body_is_a_device_with_keys_to_be_made() -> None:
    assert read_device(device_body(), DEVICE) == DeviceDescription(device_id=DEVICE)


def test_every_member_counts() -> None:
    body = device_body(
        deviceId=DEVICE,
        status="disabled",
        statusReason="spare",
        authentication={"type": "sas", "symmetricKey": KEYS},
        capabilities={"iotEdge": True},
    )
    assert read_device(body, DEVICE) == DeviceDescription(
        device_id=DEVICE,
        enabled=False,
        status_reason="spare",
        primary_key=PRIMARY,
        secondary_key=SECONDARY,
        authentication_type="sas",
        iot_edge=True,
    )


@pytest.mark.parametrize("thumbprint", ["ab" * 20, "AB" * 20, "0f" * 32])
def test_a_device_may_have_a_certificate(thumbprint: str) -> None:
    authentication = {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": thumbprint}}
    assert read_device(device_body(authentication=authentication), DEVICE) == DeviceDescription(
        device_id=DEVICE, authentication_type="selfSigned", primary_thumbprint=thumbprint.upper()
    )


@pytest.mark.parametrize(
    ("authentication", "type_"),
    [
        ({"x509Thumbprint": {"secondaryThumbprint": "AB" * 20}}, "selfSigned"),
        ({"x509Thumbprint": {"primaryThumbprint": "AB" * 20}, "symmetricKey": {"primaryKey": PRIMARY}}, "selfSigned"),
        ({"x509Thumbprint": {"primaryThumbprint": None}, "symmetricKey": {"secondaryKey": SECONDARY}}, "sas"),
        ({"x509Thumbprint": {}, "symmetricKey": {"primaryKey": ""}}, None),
    ],
)
def test_without_a_type_what_is_given_tells(authentication: dict[str, Any], type_: str | None) -> None:
    assert read_device(device_body(authentication=authentication), DEVICE).authentication_type == type_


@pytest.mark.parametrize(
    "thumbprints",
    [None, {}, {"primaryThumbprint": ""}, {"primaryThumbprint": "ab"}, {"secondaryThumbprint": "xy" * 20}],
)
def test_a_thumbprint_is_the_hex_of_a_hash(thumbprints: object) -> None:
    authentication = {"type": "selfSigned", "x509Thumbprint": thumbprints}
    with refused(errors.INVALID_BODY):
        read_device(device_body(authentication=authentication), DEVICE)


@pytest.mark.parametrize(
    "authentication",
    [None, {}, {"type": "sas"}, {"symmetricKey": None}, {"symmetricKey": {"primaryKey": "", "secondaryKey": ""}}],
)
def test_keys_that_are_left_out(authentication: dict[str, Any] | None) -> None:
    wanted = read_device(device_body(authentication=authentication), DEVICE)
    assert (wanted.primary_key, wanted.secondary_key) == (None, None)


@at_site
async def test_a_device_that_was_read_can_be_written_back(site: Site) -> None:
    device = await site.device()
    document = msgspec.json.decode(msgspec.json.encode(device_document(device, connected=False)))
    wanted = read_device(msgspec.convert(document, DeviceBody), DEVICE)
    assert (wanted.primary_key, wanted.secondary_key) == (device.primary_key, device.secondary_key)


@pytest.mark.parametrize(
    "fields",
    [
        {"deviceId": DEVICE.upper()},
        {"statusReason": "x" * 129},
        {"authentication": {"symmetricKey": {"primaryKey": "not base64!"}}},
        {"authentication": {"symmetricKey": {"primaryKey": "c2hvcnQ="}}},
        {"authentication": {"symmetricKey": {"secondaryKey": "QUFB" * 22}}},
    ],
)
def test_what_is_invalid(fields: dict[str, Any]) -> None:
    with refused(errors.INVALID_BODY):
        read_device(device_body(**fields), DEVICE)


@pytest.mark.parametrize(
    "fields",
    [
        {"authentication": {"type": "certificateAuthority"}},
        {"deviceScope": "ms-azure-iot-edge://parent"},
        {"parentScopes": ["ms-azure-iot-edge://parent"]},
    ],
)
def test_what_is_not_offered(fields: dict[str, Any]) -> None:
    with refused(errors.NOT_OFFERED):
        read_device(device_body(**fields), DEVICE)


@pytest.mark.parametrize(
    ("fields", "patch"),
    [
        ({}, TwinPatch()),
        ({"tags": None, "properties": None}, TwinPatch()),
        ({"properties": {"desired": None, "reported": {"a": 1}}}, TwinPatch()),
        (
            {"deviceId": DEVICE, "tags": {"a": None}, "properties": {"desired": {"b": 1, "$version": 3}}},
            TwinPatch(tags={"a": None}, desired={"b": 1}),
        ),
    ],
)
def test_a_twin_body(fields: dict[str, Any], patch: TwinPatch) -> None:
    assert read_twin(msgspec.convert(fields, TwinBody), DEVICE) == patch


def test_another_devices_twin() -> None:
    with refused(errors.INVALID_BODY):
        read_twin(TwinBody(device_id="other"), DEVICE)
