"""SAS tokens: parse, sign, verify; the same form serves devices, service callers and hubs.

A token is `SharedAccessSignature sr=R&sig=S&se=E[&skn=K]`, fields in any order, where S is the URL-encoded
base64 of HMAC-SHA256(key, R + LF + E) and R is exactly the text after `sr=`: clients encode it differently
(raw, `%2F`, `%2f`), so the signature is checked over what was received and only then decoded. Knows nothing
of enrollments or policies; no other module spells the token's name.
"""

import base64
import binascii
import hashlib
import hmac
from urllib.parse import quote_plus, unquote_to_bytes

import msgspec

_SCHEME = "SharedAccessSignature "
_FIELDS = frozenset({"sr", "sig", "se", "skn"})
_MAX_LENGTH = 4096


class SasMalformed(ValueError):
    """The text is not a SAS token; the message says what is wrong with it, without repeating it."""


class SasToken(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed token. `resource` is the literal text after `sr=`, `expiry` is in Unix seconds.

    `key_name` is None where the field is absent and "" where it is empty; devices send either.
    """

    resource: str
    signature: bytes
    expiry: int
    expiry_text: str
    key_name: str | None

    @property
    def decoded_resource(self) -> str:
        """The resource that the token is for, percent-decoded."""
        return unquote_to_bytes(self.resource).decode(errors="replace")

    def is_signed_by(self, key: bytes) -> bool:
        """Whether `key` made the signature; in constant time."""
        return hmac.compare_digest(self.signature, _signature(key, self.resource, self.expiry_text))

    def is_expired(self, now: float) -> bool:
        """Whether the token was good only until before `now` (Unix seconds)."""
        return self.expiry <= now

    def __repr__(self) -> str:
        return "SasToken(…)"


def parse_sas_token(text: str) -> SasToken:
    """Parse an Authorization header or an MQTT password.

    Raises:
        SasMalformed: the scheme, a field, the signature's base64 or the expiry is wrong.
    """
    if len(text) > _MAX_LENGTH:
        raise SasMalformed("the token is longer than 4,096 characters")
    if not text.startswith(_SCHEME):
        raise SasMalformed("the token does not start with its scheme")
    fields = _split(text[len(_SCHEME) :])
    return SasToken(
        resource=_required(fields, "sr"),
        signature=_decode_signature(_required(fields, "sig")),
        expiry=_decode_expiry(_required(fields, "se")),
        expiry_text=fields["se"],
        key_name=fields.get("skn"),
    )


def sign_sas_token(*, resource: str, key: bytes, expiry: int, key_name: str | None = None) -> str:
    """Make a token over `resource` taken literally; the caller encodes it if its reader wants that."""
    signature = base64.b64encode(_signature(key, resource, str(expiry))).decode()
    suffix = "" if key_name is None else f"&skn={key_name}"
    return f"{_SCHEME}sr={resource}&sig={quote_plus(signature)}&se={expiry}{suffix}"


def decode_key(text: str) -> bytes:
    """A base64 key as bytes.

    Raises:
        SasMalformed: the text is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SasMalformed("the key is not base64") from error


def _signature(key: bytes, resource: str, expiry: str) -> bytes:
    return hmac.digest(key, f"{resource}\n{expiry}".encode(), hashlib.sha256)


def _split(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for pair in text.split("&"):
        name, separator, value = pair.partition("=")
        if not separator or name not in _FIELDS:
            raise SasMalformed("the token has a field other than sr, sig, se and skn")
        if name in fields:
            raise SasMalformed(f"the field {name} stands twice")
        fields[name] = value
    return fields


def _required(fields: dict[str, str], name: str) -> str:
    value = fields.get(name)
    if not value:
        raise SasMalformed(f"the field {name} is missing")
    return value


def _decode_signature(text: str) -> bytes:
    try:
        signature = base64.b64decode(unquote_to_bytes(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SasMalformed("the signature is not base64") from error
    if len(signature) != hashlib.sha256().digest_size:
        raise SasMalformed("the signature is not that of HMAC-SHA256")
    return signature


def _decode_expiry(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise SasMalformed("the expiry is not a number of Unix seconds")
    return int(text)
