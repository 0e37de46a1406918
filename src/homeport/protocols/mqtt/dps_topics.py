"""What the names of an MQTT conversation with the provisioning service mean: the CONNECT user name and the topics.

The only home of this grammar, in both directions: the server parses requests and writes responses, devices (the
tests' among them) do the opposite. Spellings are those of the shipped SDKs. Knows no JSON and no answers.
"""

from urllib.parse import unquote

import msgspec

RESPONSE_FILTER = "$dps/registrations/res/#"
"""The one topic filter that a device may subscribe to."""

_REGISTER = "$dps/registrations/PUT/iotdps-register/?"
_STATUS = "$dps/registrations/GET/iotdps-get-operationstatus/?"
_RESPONSE = "$dps/registrations/res/"
_MAX_REQUEST_ID = 256


class DpsUserName(msgspec.Struct, frozen=True, kw_only=True):
    """`{idScope}/registrations/{registrationId}/api-version={version}[&ClientVersion={text}]`, not yet judged."""

    id_scope: str
    registration_id: str
    api_version: str | None


class RegisterRequest(msgspec.Struct, frozen=True):
    """A device asks to be registered. `request_id` is kept as it was spelled, for the response to repeat."""

    request_id: str


class StatusRequest(msgspec.Struct, frozen=True):
    """A device asks how far its operation is; `operation_id` is decoded and not yet judged."""

    request_id: str
    operation_id: str


Request = RegisterRequest | StatusRequest


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response topic as a device reads it."""

    status: int
    request_id: str
    retry_after: int | None = None


def is_dps_user_name(text: str) -> bool:
    """Whether a CONNECT's user name is meant for the provisioning service rather than for a hub.

    A hub's is `{hub}/{deviceId}/?…`: were a device called "registrations", its third part would begin with "?".
    """
    parts = text.split("/", 3)
    return len(parts) >= 3 and parts[1] == "registrations" and not parts[2].startswith("?")


def parse_user_name(text: str) -> DpsUserName:
    """The parts of a user name for which `is_dps_user_name` holds."""
    id_scope, _, registration_id, *rest = text.split("/", 3)
    version = _pairs(rest[0]).get("api-version") if rest else None
    return DpsUserName(id_scope=id_scope, registration_id=registration_id, api_version=version)


def user_name(id_scope: str, registration_id: str, api_version: str) -> str:
    """The user name of a device's CONNECT."""
    return f"{id_scope}/registrations/{registration_id}/api-version={api_version}"


def parse_request(topic: str) -> Request | None:
    """What a device asks by publishing to `topic`; None if that is no topic of this service.

    `$rid` and `operationId` come raw or percent-encoded. A missing operation ID is an empty one: no operation has it.
    """
    if topic.startswith(_REGISTER):
        request_id = _pairs(topic[len(_REGISTER) :]).get("$rid", "")
        return RegisterRequest(request_id) if _usable(request_id) else None
    if topic.startswith(_STATUS):
        pairs = _pairs(topic[len(_STATUS) :])
        request_id = pairs.get("$rid", "")
        return StatusRequest(request_id, unquote(pairs.get("operationId", ""))) if _usable(request_id) else None
    return None


def register_topic(request_id: str) -> str:
    """Where a device publishes to be registered."""
    return f"{_REGISTER}$rid={request_id}"


def status_topic(request_id: str, operation_id: str) -> str:
    """Where a device publishes to ask for its operation."""
    return f"{_STATUS}$rid={request_id}&operationId={operation_id}"


def response_topic(status: int, request_id: str, retry_after: int | None = None) -> str:
    """Where the service answers.

    `$rid` comes first (Python and C# look for it there), then `retry-after` behind an `&` (Java); the topic holds
    no other `$` and no key without a value (Python splits at both).
    """
    retry = "" if retry_after is None else f"&retry-after={retry_after}"
    return f"{_RESPONSE}{status}/?$rid={request_id}{retry}"


def parse_response(topic: str) -> Response:
    """A response topic as devices read it.

    Raises:
        ValueError: it is none.
    """
    status, separator, query = topic.removeprefix(_RESPONSE).partition("/?")
    pairs = _pairs(query)
    if not topic.startswith(_RESPONSE) or not separator or "$rid" not in pairs:
        raise ValueError(f"no response topic: {topic}")
    retry = pairs.get("retry-after")
    return Response(status=int(status), request_id=pairs["$rid"], retry_after=None if retry is None else int(retry))


def _usable(request_id: str) -> bool:
    """Without a request ID nobody could be answered; an endless one would not fit into the response topic."""
    return 0 < len(request_id) <= _MAX_REQUEST_ID


def _pairs(query: str) -> dict[str, str]:
    """`key=value&…` undecoded. The standard library's parser turns `+` into a space, which no SDK means."""
    return {key: value for key, separator, value in (item.partition("=") for item in query.split("&")) if separator}
