"""What the words of an AMQP conversation with the provisioning service mean: addresses, properties, conditions.

The only home of this vocabulary, in both directions: the server reads requests and writes replies, devices (the
tests' among them) do the opposite. Spellings are those of the shipped SDKs. Knows no JSON and no answers.
"""

import msgspec

from homeport.protocols.amqp import conditions
from homeport.protocols.amqp.messages import Message
from homeport.protocols.amqp.performatives import Error, MessageId, Properties
from homeport.protocols.amqp.types import Int, Map, Symbol
from homeport.protocols.conversation import Refusal

API_VERSION = Symbol("com.microsoft:api-version")

_OPERATION_TYPE = "iotdps-operation-type"
_OPERATION_ID = "iotdps-operation-id"
_REGISTER = "iotdps-register"
_STATUS = "iotdps-get-operationstatus"

# Node, C and Java read the first, C# the second; C accepts an int or a string, and no other type.
_RETRY_AFTER = ("retry-after", "Retry-After")

_CONDITIONS = {
    400: conditions.ARGUMENT_ERROR,
    401: conditions.UNAUTHORIZED_ACCESS,
    403: conditions.UNAUTHORIZED_ACCESS,
    404: conditions.NOT_FOUND,
    405: conditions.NOT_ALLOWED,
    409: conditions.ILLEGAL_STATE,
    412: conditions.PRECONDITION_FAILED,
    413: conditions.MESSAGE_SIZE_EXCEEDED,
    429: conditions.THROTTLED,
}
_SERVER_ERRORS = 500


class DpsAddress(msgspec.Struct, frozen=True):
    """`{idScope}/registrations/{registrationId}`, not yet judged."""

    id_scope: str
    registration_id: str

    def __str__(self) -> str:
        return f"{self.id_scope}/registrations/{self.registration_id}"


class RegisterRequest(msgspec.Struct, frozen=True):
    """A device asks to be registered."""


class StatusRequest(msgspec.Struct, frozen=True):
    """A device asks how far its operation is; `operation_id` is not yet judged."""

    operation_id: str


Request = RegisterRequest | StatusRequest


def parse_address(text: object) -> DpsAddress | None:
    """Whose registration a link's address, or a SASL user name, is about; None if about nobody's.

    Bare in Node and C#, with a slash in front in Java, behind scheme and host in C.
    """
    if not isinstance(text, str):
        return None
    _, separator, rest = text.partition("://")
    path = rest.partition("/")[2] if separator else text.removeprefix("/")
    parts = path.split("/")
    if len(parts) != 3 or parts[1] != "registrations" or not parts[0] or not parts[2]:
        return None
    return DpsAddress(parts[0], parts[2])


def api_version(properties: Map | None) -> str | None:
    """The `api-version` among the properties of an attach; a value that is no text is an empty one."""
    version = (properties or Map()).get(API_VERSION)
    return version if isinstance(version, str) or version is None else ""


def parse_request(message: Message) -> Request | None:
    """What a device asks by a message; None if that is nothing that this service does.

    A missing operation ID is an empty one: no operation has it. `iotdps-forceRegistration` says nothing that the
    enrollment's policy does not decide.
    """
    pairs = message.application_properties
    if pairs.get(_OPERATION_TYPE) == _REGISTER:
        return RegisterRequest()
    if pairs.get(_OPERATION_TYPE) == _STATUS:
        operation_id = pairs.get(_OPERATION_ID)
        return StatusRequest(operation_id if isinstance(operation_id, str) else "")
    return None


def register_message(body: bytes, correlation_id: MessageId | None = None) -> Message:
    """A device's message in order to be registered."""
    pairs = Map({_OPERATION_TYPE: _REGISTER})
    return Message(properties=Properties(correlation_id=correlation_id), application_properties=pairs, body=body)


def status_message(operation_id: str, correlation_id: MessageId | None = None) -> Message:
    """A device's message that asks for its operation."""
    pairs = Map({_OPERATION_TYPE: _STATUS, _OPERATION_ID: operation_id})
    return Message(properties=Properties(correlation_id=correlation_id), application_properties=pairs)


def reply(body: bytes, *, correlation_id: MessageId | None, retry_after: int | None) -> Message:
    """The service's answer. Node finds its question again by the correlation ID alone."""
    return Message(
        properties=Properties(correlation_id=correlation_id),
        application_properties=Map(_retry_after(str, retry_after)),
        body=body,
    )


def error_of(refusal: Refusal) -> Error:
    """An error as the reason of a rejection; C# parses the description as the JSON that HTTP would have sent."""
    condition = conditions.INTERNAL_ERROR if refusal.status >= _SERVER_ERRORS else _CONDITIONS.get(refusal.status)
    info = Map(_retry_after(Symbol, refusal.retry_after))
    return Error(condition or conditions.ARGUMENT_ERROR, refusal.body.decode(errors="replace"), info or None)


def _retry_after(kind: type[str], seconds: int | None) -> dict[object, object]:
    return {} if seconds is None else {kind(key): Int(seconds) for key in _RETRY_AFTER}
