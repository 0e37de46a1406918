"""What the names of an MQTT conversation with a hub mean: the CONNECT user name and the topics.

The only home of this grammar, in both directions, like `dps_topics.py`. SDKs encode property bags in topics, and
device IDs never. Knows no JSON and no answers.
"""

import enum
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

import msgspec

Properties = tuple[tuple[str, str], ...]


class Subscription(enum.Enum):
    """What a device may subscribe to, with its topic filter; `{}` stands for the device ID."""

    TWIN_RESPONSES = "$iothub/twin/res/#"
    DESIRED_PROPERTIES = "$iothub/twin/PATCH/properties/desired/#"
    METHODS = "$iothub/methods/POST/#"
    CLOUD_TO_DEVICE = "devices/{}/messages/devicebound/#"


_TWIN_GET = "$iothub/twin/GET/?"
_TWIN_PATCH = "$iothub/twin/PATCH/properties/reported/?"
_TWIN_RESPONSE = "$iothub/twin/res/"
_METHOD_RESPONSE = "$iothub/methods/res/"
_DESIRED = "$iothub/twin/PATCH/properties/desired/?$version="
_MAX_REQUEST_ID = 256

# The device ID may hold a "?", so its end is a slash where there is one: `hub/device/?api-version=…`,
# `hub/device/api-version=…`, `hub/device/`; and only else a "?" or the end: `hub/device?api-version=…`, `hub/device`.
_WITH_SLASH = re.compile(r"(?P<hub>[^/]+)/(?P<device>[^/]+)/(\?.*|[^/?]+=.*)?", re.DOTALL)
_WITHOUT_SLASH = re.compile(r"(?P<hub>[^/]+)/(?P<device>[^/?]+)(\?.*)?", re.DOTALL)
_MODULE = re.compile(r"[^/]+/[^/]+/[^/?=]+(/.*)?", re.DOTALL)


class HubUserName(msgspec.Struct, frozen=True):
    """`{hub}/{deviceId}/?api-version={version}&…` in any of its spellings, not yet judged."""

    hub_host_name: str
    device_id: str


class Telemetry(msgspec.Struct, frozen=True):
    """A device-to-cloud message; system properties keep their names (`$.mid`, `$.ct`, …)."""

    properties: Properties


class TwinGet(msgspec.Struct, frozen=True):
    """A device asks for its twin. `request_id` is kept as it was spelled, for the response to repeat."""

    request_id: str


class TwinPatch(msgspec.Struct, frozen=True):
    """A device reports properties."""

    request_id: str


class MethodResponse(msgspec.Struct, frozen=True):
    """A device answers a direct method."""


HubPublish = Telemetry | TwinGet | TwinPatch | MethodResponse


class TwinResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A twin response topic as a device reads it."""

    status: int
    request_id: str
    version: int | None = None


def parse_user_name(text: str) -> HubUserName | None:
    """The hub and the device of a user name; None if it has another form."""
    match = _WITH_SLASH.fullmatch(text) or _WITHOUT_SLASH.fullmatch(text)
    return HubUserName(match["hub"], match["device"]) if match else None


def names_module(text: str) -> bool:
    """Whether a user name is that of a module, `{hub}/{deviceId}/{moduleId}/?…`."""
    return _MODULE.fullmatch(text) is not None


def user_name(hub_host_name: str, device_id: str, api_version: str) -> str:
    """The user name of a device's CONNECT."""
    return f"{hub_host_name}/{device_id}/?api-version={api_version}"


def parse_filter(topic_filter: str, device_id: str) -> Subscription | None:
    """What a topic filter asks for; None for a foreign one."""
    spelled = _with_plain_device_id(topic_filter, device_id)
    return next((kind for kind in Subscription if spelled == kind.value.replace("{}", device_id)), None)


def parse_publish(topic: str, device_id: str) -> HubPublish | None:
    """What a device means by publishing to `topic`; None if that is no topic of its own."""
    events, spelled = events_topic(device_id), _with_plain_device_id(topic, device_id)
    if spelled.startswith(events) or spelled == events[:-1]:
        return Telemetry(parse_properties(spelled[len(events) :]))
    if topic.startswith(_TWIN_GET):
        request_id = _request_id(topic[len(_TWIN_GET) :])
        return TwinGet(request_id) if request_id else None
    if topic.startswith(_TWIN_PATCH):
        request_id = _request_id(topic[len(_TWIN_PATCH) :])
        return TwinPatch(request_id) if request_id else None
    return MethodResponse() if topic.startswith(_METHOD_RESPONSE) else None


def events_topic(device_id: str, properties: Iterable[tuple[str, str]] = ()) -> str:
    """Where a device publishes a message."""
    return f"devices/{device_id}/messages/events/{format_properties(properties)}"


def twin_get_topic(request_id: str) -> str:
    """Where a device asks for its twin."""
    return f"{_TWIN_GET}$rid={request_id}"


def twin_patch_topic(request_id: str) -> str:
    """Where a device reports properties."""
    return f"{_TWIN_PATCH}$rid={request_id}"


def twin_response_topic(status: int, request_id: str, version: int | None = None) -> str:
    """Where the hub answers; `version` is that of the reported properties after a patch."""
    suffix = "" if version is None else f"&$version={version}"
    return f"{_TWIN_RESPONSE}{status}/?$rid={request_id}{suffix}"


def parse_twin_response(topic: str) -> TwinResponse:
    """A twin response topic as devices read it.

    Raises:
        ValueError: it is none.
    """
    status, separator, query = topic.removeprefix(_TWIN_RESPONSE).partition("/?")
    pairs = dict(item.partition("=")[::2] for item in query.split("&"))
    if not topic.startswith(_TWIN_RESPONSE) or not separator or "$rid" not in pairs:
        raise ValueError(f"no twin response topic: {topic}")
    version = pairs.get("$version")
    return TwinResponse(status=int(status), request_id=pairs["$rid"], version=None if version is None else int(version))


def desired_properties_topic(version: int) -> str:
    """Where the hub publishes new desired properties."""
    return f"{_DESIRED}{version}"


def parse_properties(bag: str) -> Properties:
    """A property bag decoded. A key without a value has an empty one; a slash at the end is Node's way of ending it."""
    items = (item.partition("=") for item in bag.removesuffix("/").split("&") if item)
    return tuple((unquote(key), unquote(value)) for key, _, value in items)


def format_properties(properties: Iterable[tuple[str, str]]) -> str:
    """A property bag encoded; the inverse of `parse_properties`."""
    return "&".join(f"{quote(key, safe='$.')}={quote(value, safe='')}" for key, value in properties)


def _with_plain_device_id(topic: str, device_id: str) -> str:
    """The topic with its device ID unencoded. One that holds `+` or `#` cannot be in a topic otherwise."""
    first, _, rest = topic.partition("/")
    segment, _, tail = rest.partition("/")
    if first == "devices" and "%" in segment and unquote(segment) == device_id:
        return f"devices/{device_id}/{tail}"
    return topic


def _request_id(query: str) -> str:
    """The raw `$rid`; empty if there is none, or one that would not fit into the response topic."""
    for item in query.split("&"):
        key, _, value = item.partition("=")
        if key == "$rid":
            return value if len(value) <= _MAX_REQUEST_ID else ""
    return ""
