"""Where the bytes of a transcript go: a TLS connection, or a WebSocket on one whose handshake is the client's own."""

from typing import Protocol

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_websocket import BINARY, CLOSE, Frames, frame
from tests.transcripts.client import Client, WebSocketTranscript
from tests.transcripts.device import Device


class Stream(Protocol):
    """Bytes out, bytes in; none once the server has closed."""

    def send(self, data: bytes) -> None: ...
    def receive(self) -> bytes: ...
    def close(self) -> None: ...


def request_bytes(text: str, client: Client, device: Device, **learnt: str) -> bytes:
    """A request of a transcript on the wire."""
    head, _, body = text.lstrip("\n").partition("\n\n")
    body = device.fill(body, client.token, **learnt)
    head = device.fill(head, client.token, length=str(len(body)), **learnt)
    lines = [line for line in head.splitlines() if "<token>" not in line]
    return "\r\n".join([*lines, "", body]).encode("latin-1")


class WebSocketStream:
    """The bytes that binary frames carry (RFC 6455): the border of a frame says nothing."""

    def __init__(self, client: Client, transcript: WebSocketTranscript, device: Device) -> None:
        self._peer = Peer(device.deployment, HTTPS, device.handshake)
        self._frames = Frames()
        try:
            self._peer.send(request_bytes(transcript.request, client, device))
            transcript.reads(self._head())
        except BaseException:
            self._peer.close()
            raise

    def send(self, data: bytes) -> None:
        self._peer.send(frame(BINARY, data))

    def receive(self) -> bytes:
        while True:
            for opcode, payload in self._frames:
                assert opcode in (BINARY, CLOSE), opcode
                return payload if opcode == BINARY else b""
            data = self._peer.receive()
            if not data:
                return b""
            self._frames.feed(data)

    def close(self) -> None:
        self._peer.close()

    def _head(self) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._peer.receive()
            assert more, data
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        self._frames.feed(rest)
        return head.decode("latin-1")
