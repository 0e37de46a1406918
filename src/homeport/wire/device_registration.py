"""What a device sends in order to be registered. Source: REST (device API) DeviceRegistration.

The payload stays the device's own bytes: it is checked to be JSON in UTF-8, and never parsed into values. Other
members (`tpm`, `csr`) and unknown ones are ignored: the proof has come with the connection or the request.
"""

import msgspec

from homeport.model.identifiers import RegistrationId, folded
from homeport.wire.json_body import invalid


class DeviceRegistration(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: DeviceRegistration. Nulls count as absent: Python sends a payload that is null."""

    registration_id: str | None = None
    payload: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


_DECODER = msgspec.json.Decoder(DeviceRegistration)
_NULL = b"null"


def read_registration_payload(body: bytes, registration_id: RegistrationId) -> bytes | None:
    """The payload in the body of `register`, as JSON bytes; None if there is none.

    An empty body is a registration without payload: C# sends it over MQTT.

    Raises:
        HomeportError: INVALID_BODY if it is no JSON object of the right form, or of another registration ID.
    """
    if not body or body.isspace():
        return None
    registration = _decoded(body)
    named = registration.registration_id
    if named is not None and folded(named) != folded(registration_id):
        raise invalid(
            "Its registrationId is not the one of this request.", path="$.registrationId", remedy="leave it out"
        )
    payload = bytes(registration.payload)
    return payload if payload and payload != _NULL else None


def _decoded(body: bytes) -> DeviceRegistration:
    try:
        # The parser passes over raw members without a look at their encoding.
        body.decode()
        return _DECODER.decode(body)
    except RecursionError:
        raise invalid("It is nested too deeply.", path="$", remedy="flatten the objects") from None
    except UnicodeDecodeError as error:
        raise invalid("It is not UTF-8.", remedy="send a JSON object") from error
    except msgspec.DecodeError as error:
        raise invalid(f"{str(error).rstrip('.')}.", remedy="send a JSON object") from error
