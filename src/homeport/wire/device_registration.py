"""What a device sends in order to be registered. Source: REST (device API) DeviceRegistration.

The payload stays the device's own bytes: it is checked to be JSON in UTF-8, and never parsed into values. `tpm` is
a proof, and counts where none comes with the connection. `csr` and unknown members are ignored.
"""

import base64
import binascii

import msgspec

from homeport.model.identifiers import RegistrationId, folded
from homeport.wire.json_body import invalid


class TpmKeys(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: TpmAttestation, as a device sends it: base64 of TPM2B_PUBLIC."""

    endorsement_key: str | None = None
    storage_root_key: str | None = None


class DeviceRegistration(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: DeviceRegistration. Nulls count as absent: Python sends a payload that is null."""

    registration_id: str | None = None
    payload: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    tpm: TpmKeys | None = None


class RegistrationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a body of `register` says: the payload as JSON bytes, and the public keys of a TPM, TPM2B_PUBLIC."""

    payload: bytes | None = None
    endorsement_key: bytes | None = None
    storage_root_key: bytes | None = None


_DECODER = msgspec.json.Decoder(DeviceRegistration)
EMPTY_REGISTRATION = RegistrationRequest()
_NULL = b"null"


def read_registration(body: bytes, registration_id: RegistrationId) -> RegistrationRequest:
    """The body of `register`. An empty one is a registration without payload: C# sends it over MQTT.

    Raises:
        HomeportError: INVALID_BODY if it is no JSON object of the right form, or of another registration ID.
    """
    if not body or body.isspace():
        return EMPTY_REGISTRATION
    registration = _decoded(body)
    named = registration.registration_id
    if named is not None and folded(named) != folded(registration_id):
        raise invalid(
            "Its registrationId is not the one of this request.", path="$.registrationId", remedy="leave it out"
        )
    raw = bytes(registration.payload)
    payload = raw if raw and raw != _NULL else None
    if registration.tpm is None:
        return RegistrationRequest(payload=payload)
    return RegistrationRequest(
        payload=payload,
        endorsement_key=_public_key(registration.tpm.endorsement_key, "endorsementKey"),
        storage_root_key=_public_key(registration.tpm.storage_root_key, "storageRootKey"),
    )


def read_registration_payload(body: bytes, registration_id: RegistrationId) -> bytes | None:
    """The payload alone, for transports that bring the proof with the connection; as `read_registration`."""
    return read_registration(body, registration_id).payload


def _public_key(text: str | None, member: str) -> bytes | None:
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(
            f"The {member} is not base64.", path=f"$.tpm.{member}", remedy="send the TPM2B_PUBLIC in base64"
        ) from None


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
