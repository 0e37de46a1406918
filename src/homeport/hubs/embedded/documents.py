"""The JSON of an embedded hub's REST API: devices, twins, telemetry; operators' bodies in, documents out.

REST: Device, Twin of the hub's service API, as the two service SDKs read them (`azure-iot-hub`, `azure-iothub`).
Etags stand without quotes in bodies, as the hosted hub writes them; clients quote them in If-Match. Three
simplifications, visible here: `$metadata` dates a section as a whole, by the twin's last change; the status
counts as updated when anything of the identity is; times of connection and activity are not kept.
"""

import base64
import re
from datetime import datetime
from typing import Any, Literal

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.hubs.embedded import twins
from homeport.hubs.embedded.identities import DeviceDescription
from homeport.hubs.embedded.twins import TwinPatch
from homeport.model.hub_device import HubDevice, HubTwin, JsonObject
from homeport.model.identifiers import DeviceId, ETag
from homeport.model.telemetry import Message
from homeport.security.sas import SasMalformed, decode_key

NEVER = "0001-01-01T00:00:00Z"
"""The hosted hub's way of saying that something has not happened; clients parse it as a date."""
MAX_STATUS_REASON = 128
KEY_SIZES = range(16, 65)
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")

# The names of the hub's message routing for what a device writes as `$.mid` and so on in its topic.
_SYSTEM_PROPERTIES = {
    "$.mid": "messageId",
    "$.cid": "correlationId",
    "$.uid": "userId",
    "$.ct": "contentType",
    "$.ce": "contentEncoding",
    "$.exp": "absoluteExpiryTime",
    "$.on": "outputName",
    "$.to": "to",
    "$.sub": "componentName",
}


class _SymmetricKey(msgspec.Struct, rename="camel"):
    primary_key: str | None = None
    secondary_key: str | None = None


class _Thumbprints(msgspec.Struct, rename="camel"):
    primary_thumbprint: str | None = None
    secondary_thumbprint: str | None = None


class _Authentication(msgspec.Struct, rename="camel"):
    type: str | None = None
    symmetric_key: _SymmetricKey | None = None
    x509_thumbprint: _Thumbprints | None = msgspec.field(default=None, name="x509Thumbprint")


class _Capabilities(msgspec.Struct, rename="camel"):
    iot_edge: bool | None = None


class DeviceBody(msgspec.Struct, rename="camel"):
    """A Device as operators send it; read-only members are dropped."""

    device_id: str | None = None
    status: Literal["enabled", "disabled"] | None = None
    status_reason: str | None = None
    authentication: _Authentication | None = None
    capabilities: _Capabilities | None = None
    device_scope: str | None = None
    parent_scopes: list[str] | None = None


class _TwinProperties(msgspec.Struct, rename="camel"):
    desired: JsonObject | None = None


class TwinBody(msgspec.Struct, rename="camel"):
    """A Twin as operators send it; reported properties are the device's, and everything else is read-only."""

    device_id: str | None = None
    tags: JsonObject | None = None
    properties: _TwinProperties | None = None


def read_device(body: DeviceBody, device_id: DeviceId) -> DeviceDescription:
    """What an operator wants the device of the path to be.

    Raises:
        HomeportError: INVALID_BODY; NOT_OFFERED for certificates judged by their CA and for edge hierarchies.
    """
    _check_id(body.device_id, device_id)
    if body.device_scope or body.parent_scopes:
        raise _not_offered("It has no edge hierarchies; leave out deviceScope and parentScopes.", "deviceScope")
    if len(body.status_reason or "") > MAX_STATUS_REASON:
        raise _invalid(f"statusReason has more than {MAX_STATUS_REASON} characters.", "statusReason")
    return DeviceDescription(
        device_id=device_id,
        **_read_authentication(body.authentication or _Authentication()),
        enabled=body.status != "disabled",
        status_reason=body.status_reason,
        iot_edge=bool(body.capabilities and body.capabilities.iot_edge),
    )


def read_twin(body: TwinBody, device_id: DeviceId) -> TwinPatch:
    """The tags and desired properties that an operator sent, for the device of the path.

    Raises:
        HomeportError: INVALID_BODY if the body is another device's.
    """
    _check_id(body.device_id, device_id)
    desired = body.properties.desired if body.properties is not None else None
    return TwinPatch(tags=twins.without_shown(body.tags or {}), desired=twins.without_shown(desired or {}))


def device_document(device: HubDevice, *, connected: bool) -> JsonObject:
    """REST: Device."""
    return {
        "deviceId": device.device_id,
        "generationId": device.generation_id,
        "etag": bare(device.etag),
        "connectionState": _connection_state(connected),
        "status": _status(device),
        "statusReason": device.status_reason,
        "connectionStateUpdatedTime": NEVER,
        "statusUpdatedTime": _status_updated(device),
        "lastActivityTime": NEVER,
        "cloudToDeviceMessageCount": 0,
        "capabilities": {"iotEdge": device.iot_edge},
        "authentication": {
            "type": _authentication_type(device),
            "symmetricKey": {"primaryKey": device.primary_key or None, "secondaryKey": device.secondary_key or None},
            "x509Thumbprint": _thumbprints(device),
        },
    }


def twin_document(device: HubDevice, twin: HubTwin, *, connected: bool) -> JsonObject:
    """REST: Twin."""
    return {
        "deviceId": device.device_id,
        "etag": bare(twins.operators_etag(twin)),
        "deviceEtag": bare(device.etag),
        "status": _status(device),
        "statusReason": device.status_reason,
        "statusUpdateTime": _status_updated(device),
        "connectionState": _connection_state(connected),
        "lastActivityTime": NEVER,
        "cloudToDeviceMessageCount": 0,
        "authenticationType": _authentication_type(device),
        "x509Thumbprint": _thumbprints(device),
        "modelId": "",
        "version": twin.version,
        "tags": twin.tags,
        "properties": {
            "desired": _section(twin.desired, twin.desired_version, twin.updated_at),
            "reported": _section(twin.reported, twin.reported_version, twin.updated_at),
        },
        "capabilities": {"iotEdge": device.iot_edge},
    }


def message_document(message: Message) -> JsonObject:
    """A device-to-cloud message: the body as JSON if it is some, else as text, else in base64."""
    encoding, body = _readable(message.body)
    system = {_SYSTEM_PROPERTIES.get(name, name): value for name, value in message.properties if name[:2] == "$."}
    return {
        "sequenceNumber": message.sequence_number,
        "enqueuedTimeUtc": message.enqueued_at,
        "deviceId": message.device_id,
        "systemProperties": system,
        "properties": {name: value for name, value in message.properties if name[:2] != "$."},
        "bodyEncoding": encoding,
        "body": body,
    }


def bare(etag: ETag) -> str:
    """An etag without its quotes."""
    return etag.strip('"')


def _section(section: JsonObject, version: int, updated_at: datetime) -> JsonObject:
    return {**section, "$metadata": {"$lastUpdated": updated_at}, "$version": version}


def _status(device: HubDevice) -> str:
    return "enabled" if device.enabled else "disabled"


def _status_updated(device: HubDevice) -> datetime | str:
    return NEVER if device.updated_at == device.created_at else device.updated_at


def _connection_state(connected: bool) -> str:
    return "Connected" if connected else "Disconnected"


def _authentication_type(device: HubDevice) -> str:
    return "selfSigned" if device.has_certificate else "sas"


def _thumbprints(device: HubDevice) -> JsonObject:
    return {"primaryThumbprint": device.primary_thumbprint, "secondaryThumbprint": device.secondary_thumbprint}


def _readable(body: bytes) -> tuple[str, Any]:
    try:
        return "json", msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return "utf-8", body.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(body).decode()


def _read_authentication(authentication: _Authentication) -> dict[str, Any]:
    """The fields of a description that say how the device opens the hub."""
    type_ = authentication.type or _implied_type(authentication)
    if type_ == "selfSigned":
        return {"authentication_type": "selfSigned", **_read_thumbprints(authentication)}
    if type_ not in (None, "sas"):
        raise _not_offered("Its devices have keys or thumbprints; use sas or selfSigned.", "authentication.type")
    keys = authentication.symmetric_key or _SymmetricKey()
    return {
        "authentication_type": type_,
        "primary_key": _read_key(keys.primary_key, "authentication.symmetricKey.primaryKey"),
        "secondary_key": _read_key(keys.secondary_key, "authentication.symmetricKey.secondaryKey"),
    }


def _implied_type(authentication: _Authentication) -> str | None:
    """What a body without a type means: thumbprints before keys, as the SDK for Node reads it."""
    thumbprints = authentication.x509_thumbprint or _Thumbprints()
    if thumbprints.primary_thumbprint or thumbprints.secondary_thumbprint:
        return "selfSigned"
    keys = authentication.symmetric_key or _SymmetricKey()
    return "sas" if keys.primary_key or keys.secondary_key else None


def _read_thumbprints(authentication: _Authentication) -> dict[str, str | None]:
    given = authentication.x509_thumbprint or _Thumbprints()
    read = {
        "primary_thumbprint": _read_thumbprint(given.primary_thumbprint, "primaryThumbprint"),
        "secondary_thumbprint": _read_thumbprint(given.secondary_thumbprint, "secondaryThumbprint"),
    }
    if not any(read.values()):
        raise _invalid("A selfSigned device needs the thumbprint of a certificate.", "authentication.x509Thumbprint")
    return read


def _read_thumbprint(text: str | None, field: str) -> str | None:
    if not text:
        return None
    if _THUMBPRINT.fullmatch(text) is None:
        message = "A thumbprint is SHA-1 (40) or SHA-256 (64 hex digits) of the certificate."
        raise _invalid(message, f"authentication.x509Thumbprint.{field}")
    return text.upper()


def _read_key(key: str | None, field: str) -> str | None:
    """None for a key that the hub is to make; the Node SDK writes an empty text for it."""
    if not key:
        return None
    try:
        size = len(decode_key(key))
    except SasMalformed:
        size = 0
    if size not in KEY_SIZES:
        raise _invalid("A key is the base64 of 16 to 64 bytes.", field)
    return key


def _check_id(given: str | None, device_id: DeviceId) -> None:
    if given not in (None, device_id):
        raise _invalid("The deviceId is not that of the path.", "deviceId")


def _invalid(detail: str, field: str) -> HomeportError:
    return HomeportError(errors.INVALID_BODY, detail, info={"field": field})


def _not_offered(detail: str, field: str) -> HomeportError:
    return HomeportError(errors.NOT_OFFERED, detail, info={"field": field})
