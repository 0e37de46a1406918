"""A WebSocket's opening handshake: is it one for a device, and what is it answered (RFC 6455, section 4.2)?

Devices ask for `/$iothub/websocket`; C# comes to `/`, Java to `/mqtt`. An upgrade that is offered anywhere else is an
ordinary request (RFC 9110, section 7.8). No extension is accepted: permessage-deflate, which Node offers, costs
memory that the peer decides upon. `Origin` is not looked at, since Python sends one and nothing depends on it: a
page in a browser may open a connection, but a token it would have to know, as no cookie counts here. Whoever keeps
a device's client certificate in a browser lends it to every page, though. Pure; counterparts: `web.py`, which parsed
the request, and `websocket.py`.
"""

import base64
import binascii
from collections.abc import Collection, Iterable
from urllib.parse import unquote

import msgspec
from websockets.utils import accept_key

from homeport import errors
from homeport.errors import HomeportError

_PATHS = frozenset({"/$iothub/websocket", "/", "/mqtt"})
_SCHEMES = ("https://", "http://")
_VERSION = "13"
_NONCE = 16


class Handshake(msgspec.Struct, frozen=True):
    """What was agreed upon: `subprotocol` as the client spells it (C compares with its own `MQTT`), and the proof
    that the server has read the client's key."""

    subprotocol: str
    accept: str


def is_device_target(target: bytes) -> bool:
    """Whether a device's WebSocket may be asked for with this request target; the query says nothing here.

    Java comes with a whole URI when it speaks AMQP, as RFC 9112, section 3.2.2, lets it; its host is not looked at.
    """
    path, _, _ = target.decode("latin-1").partition("?")
    for scheme in _SCHEMES:
        if path.lower().startswith(scheme):
            path = "/" + path[len(scheme) :].partition("/")[2]
    return unquote(path) in _PATHS


def read_handshake(headers: Iterable[tuple[bytes, bytes]], subprotocols: Collection[str]) -> Handshake:
    """The handshake of a GET that offers to upgrade to `websocket` (4.2.1), its header names in lower case.

    Of the client's subprotocols the first one that is among `subprotocols` (lower case) is taken.

    Raises:
        HomeportError: UPGRADE_REQUIRED for another version, NOT_OFFERED for no subprotocol of ours, INVALID_REQUEST.
    """
    fields = _combined(headers)
    if fields.get("sec-websocket-version") != _VERSION:
        info = {"upgrade": "websocket", "webSocketVersion": _VERSION}
        raise HomeportError(errors.UPGRADE_REQUIRED, f"Use WebSocket version {_VERSION}.", info=info)
    if "transfer-encoding" in fields or fields.get("content-length", "0") != "0":
        raise HomeportError(errors.INVALID_REQUEST, "A WebSocket's handshake has no body.")
    key = fields.get("sec-websocket-key", "")
    if not _is_nonce(key):
        raise HomeportError(errors.INVALID_REQUEST, f"Sec-WebSocket-Key must be {_NONCE} bytes in base64.")
    return Handshake(_chosen(fields.get("sec-websocket-protocol", ""), subprotocols), accept_key(key))


def switching_protocols(handshake: Handshake, *, date: bytes) -> bytes:
    """The answer 101 (4.2.2). Each colon has its space, without which Java and Python read no header."""
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nDate: {date.decode()}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        f"Sec-WebSocket-Accept: {handshake.accept}\r\nSec-WebSocket-Protocol: {handshake.subprotocol}\r\n\r\n"
    ).encode()


def _combined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Each header once; what comes several times is a list (RFC 9110, section 5.3)."""
    fields: dict[str, str] = {}
    for name, value in headers:
        known, text = name.decode("latin-1"), value.decode("latin-1").strip()
        fields[known] = f"{fields[known]}, {text}" if known in fields else text
    return fields


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _NONCE
    except (binascii.Error, ValueError):
        return False


def _chosen(wanted: str, subprotocols: Collection[str]) -> str:
    for name in (each.strip() for each in wanted.split(",")):
        if name.lower() in subprotocols:
            return name
    offer = ", ".join(sorted(subprotocols))
    raise HomeportError(errors.NOT_OFFERED, f"Sec-WebSocket-Protocol must name one of these: {offer}.")
