"""HTTP by hand: requests as bytes that may be as wrong as a test wants them, answers read to their end."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.server_process import Deployment

Headers = Sequence[tuple[str, str | bytes]]


class ConnectionEnded(Exception):
    """The server closed before its answer was complete; the text is what had come."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def request(method: str, target: str | bytes, headers: Headers = (), body: bytes | None = None) -> bytes:
    """A request's bytes. Nothing is added but the length of a body, and that only where no header speaks of it."""
    named = {name.lower() for name, _ in headers}
    if body is not None and not named & {"content-length", "transfer-encoding"}:
        headers = [*headers, ("Content-Length", str(len(body)))]
    lines = [b" ".join((method.encode(), _bytes(target), b"HTTP/1.1"))]
    lines += [b"%s: %s" % (name.encode(), _bytes(value)) for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunked(body: bytes, size: int = 16_384) -> bytes:
    """A body in chunks (RFC 9112, section 7.1)."""
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def exchange(deployment: Deployment, data: bytes) -> Answer:
    """Send bytes on a connection of their own; the answer to them."""
    with Peer(deployment, HTTPS) as peer:
        peer.send(data)
        return read_answer(peer)


def read_answer(peer: Peer) -> Answer:
    """The next answer.

    Raises:
        ConnectionEnded: the server closed instead.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(peer, data)
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        body += _more(peer, body)
    return Answer(int(status.split(" ")[1]), headers, body[:length])


def _more(peer: Peer, seen: bytes) -> bytes:
    data = peer.receive()
    if not data:
        raise ConnectionEnded(repr(seen))
    return data


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
