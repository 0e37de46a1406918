"""The three routes of the device API, and what their paths may look like.

    PUT  /{idScope}/registrations/{registrationId}/register
    GET  /{idScope}/registrations/{registrationId}/operations/{operationId}
    POST /{idScope}/registrations/{registrationId}

Clients write the ids raw or percent-encoded; the fixed words come in any case, and a slash may end the path.
`is_device_path` decides, for the first bytes of a connection and for each request, which half of port 443 is
meant. Pure; counterparts: `first_bytes.py`, `device_answers.py`, `web.py`.
"""

import enum
import re
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.identifiers import OperationId, RegistrationId, parse_operation_id, parse_registration_id
from homeport.wire.api_versions import served_version

# First segments of the service's and the hub's APIs: there, `registrations` in second place is somebody's ID.
_OTHER_APIS = frozenset({"enrollments", "enrollmentgroups", "registrations", "devices", "twins", "modules"})

_DEVICE_PATH = re.compile(rb"/([^/?# ]{1,384})/registrations/", re.IGNORECASE)
_TARGET = re.compile(
    r"/(?P<scope>[^/?#]+)/registrations/(?P<id>[^/?#]+)"
    r"(?:/(?P<register>register)|/operations/(?P<operation>[^/?#]+))?"
    r"/?(?:\?(?P<query>.*))?",
    re.IGNORECASE,
)


class DeviceOperation(enum.StrEnum):
    """What a device may ask over HTTP; log and metrics call it as they call a conversation's question."""

    REGISTER = "Register"
    OPERATION_STATUS = "GetOperationStatus"
    REGISTRATION_STATUS = "GetRegistrationStatus"


class DeviceTarget(msgspec.Struct, frozen=True):
    """Whom and what a request is about; every identifier has passed its grammar, except the ID scope."""

    operation: DeviceOperation
    id_scope: str
    registration_id: RegistrationId
    operation_id: OperationId | None = None


_METHODS = {
    DeviceOperation.REGISTER: b"PUT",
    DeviceOperation.OPERATION_STATUS: b"GET",
    DeviceOperation.REGISTRATION_STATUS: b"POST",
}


def is_device_path(target: bytes) -> bool:
    """Whether a request target belongs to the device API; one that only resembles its routes does too."""
    match = _DEVICE_PATH.match(target)
    return match is not None and match[1].decode("latin-1").lower() not in _OTHER_APIS


def parse_target(method: bytes, target: bytes) -> DeviceTarget:
    """A request's method and target as what the device asks.

    Raises:
        HomeportError: MISDIRECTED if it is no path of the device API, NOT_FOUND if it only resembles one,
            METHOD_NOT_ALLOWED (with `allow` in its info), INVALID_API_VERSION, or what an identifier's grammar raises.
    """
    match = _TARGET.fullmatch(target.decode("latin-1"))
    if match is None or match["scope"].lower() in _OTHER_APIS:
        raise _elsewhere(target)
    operation = _operation(match)
    if method != _METHODS[operation]:
        allowed = _METHODS[operation].decode()
        raise HomeportError(errors.METHOD_NOT_ALLOWED, f"Use {allowed}.", info={"allow": allowed})
    _check_api_version(match["query"] or "")
    return DeviceTarget(
        operation,
        unquote(match["scope"]),
        parse_registration_id(unquote(match["id"])),
        parse_operation_id(unquote(match["operation"])) if match["operation"] else None,
    )


def _operation(match: re.Match[str]) -> DeviceOperation:
    if match["register"]:
        return DeviceOperation.REGISTER
    return DeviceOperation.OPERATION_STATUS if match["operation"] else DeviceOperation.REGISTRATION_STATUS


def _elsewhere(target: bytes) -> HomeportError:
    if is_device_path(target):
        return HomeportError(errors.NOT_FOUND, "The device API has no such path.")
    return HomeportError(errors.MISDIRECTED, "It began with a device's request; open another one for this.")


@lru_cache(maxsize=64)
def _check_api_version(query: str) -> None:
    """The device API is the same in all versions; only the parameter's form counts. A fleet sends few queries."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.lower() == "api-version":
            served_version(unquote(value))
            return
    served_version(None)
