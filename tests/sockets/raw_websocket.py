"""WebSocket by hand: the handshake and frames as bytes that may be as wrong as a test wants them, frames read back.

`frame` and `Frames` know no socket, so that both the blocking peers and the unit tests of the edge use them.
"""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import Answer, read_answer, request
from tests.sockets.server_process import Deployment

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
TARGET = "/$iothub/websocket"
# The example of RFC 6455, section 1.3, and the server's proof for it.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_MASK = b"\x11\x22\x33\x44"

Frame = tuple[int, bytes]
"""Opcode and payload."""


def upgrade(host: str, target: str = TARGET, subprotocol: str = "mqtt", **headers: str) -> bytes:
    """A handshake's request; `sec_websocket_key="…"` replaces a header, an empty value leaves it out."""
    fields = {
        "host": host,
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
        "sec-websocket-protocol": subprotocol,
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return request("GET", target, [(name.title(), value) for name, value in fields.items() if value])


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bool = True) -> bytes:
    """A client's frame (RFC 6455, section 5.2); `reserved` are the three bits."""
    masked = bytes(byte ^ _MASK[place % 4] for place, byte in enumerate(payload)) if mask else payload
    return header(opcode, len(payload), fin=fin, reserved=reserved, mask=mask) + masked


def header(opcode: int, length: int, *, fin: bool = True, reserved: int = 0, mask: bool = True) -> bytes:
    """A frame without its payload: it announces `length` bytes."""
    first, second = fin << 7 | reserved << 4 | opcode, mask << 7
    key = _MASK if mask else b""
    if length < 126:
        return bytes((first, second | length)) + key
    if length < 1 << 16:
        return struct.pack("!BBH", first, second | 126, length) + key
    return struct.pack("!BBQ", first, second | 127, length) + key


@dataclass
class Frames:
    """The server's frames out of a stream of bytes: unmasked, unfragmented, without reserved bits."""

    _data: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        self._data += data

    def __iter__(self) -> Iterator[Frame]:
        """Those that are complete; they are not given again."""
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> Frame | None:
        if len(self._data) < 2:
            return None
        first, length = self._data[0], self._data[1]
        start = 2 + {126: 2, 127: 8}.get(length, 0)
        if length > 125:
            length = int.from_bytes(self._data[2:start])
        if len(self._data) < start + length:
            return None
        assert first & 0xF0 == 0x80, "a fragment, or a reserved bit"
        payload = bytes(self._data[start : start + length])
        del self._data[: start + length]
        return first & 0x0F, payload


def close_code(payload: bytes) -> int:
    """The code in a close frame; 1005 if there is none (RFC 6455, section 7.1.5)."""
    return int.from_bytes(payload[:2]) if payload else 1005


def closing(code: int, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return frame(CLOSE, code.to_bytes(2) + reason)


class RefusedUpgrade(Exception):
    """The server gave another answer than 101."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(repr(answer))
        self.answer = answer


class WebSocketPeer(Peer):
    """One WebSocket to port 443, its handshake done.

    Raises:
        RefusedUpgrade: the server would not have it.
    """

    def __init__(self, deployment: Deployment, target: str = TARGET, subprotocol: str = "mqtt", **headers: str) -> None:
        super().__init__(deployment, HTTPS)
        self._frames = Frames()
        self.send(upgrade(deployment.host, target, subprotocol, **headers))
        self.answer = read_answer(self)
        if self.answer.status != 101:
            self.close()
            raise RefusedUpgrade(self.answer)

    def hear(self) -> Frame | None:
        """The next frame; None once the server has closed."""
        while True:
            for found in self._frames:
                return found
            data = self.receive()
            if not data:
                return None
            self._frames.feed(data)

    def hear_end(self) -> list[int]:
        """Answer the server's close frame as a peer should; the codes of all close frames until its end."""
        codes = []
        while (heard := self.hear()) is not None:
            if heard[0] == CLOSE:
                codes.append(close_code(heard[1]))
                self.send(closing(1000))
        return codes


def nonce(size: int = 16) -> str:
    """A key of so many bytes."""
    return base64.b64encode(bytes(size)).decode()
