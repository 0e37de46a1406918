"""A WebSocket below a stream: binary messages in, bytes to its conversation; bytes out, binary messages.

The frames are those of the library `websockets`, of which only the sans-IO protocol is used. A connection stands
between the socket (or the TLS front) and the pump of `streams.py`, a protocol to the one and a transport to the
other, as `tls.py` is: no task, no queue and no ASGI scope for a connection, which idles in 2 KiB of its own.
Messages have no meaning in MQTT (section 6) and AMQP over WebSocket, so that fragments pass on as they come. Pings
are answered and none are sent; that a device is alive is the conversation's to know. Knows no protocol that it
carries; counterpart: `websocket_handshake.py`.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, Protocol, Side, State

from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.deadlines import Deadlines
from homeport.endpoints.streams import StreamConnection, Streams
from homeport.endpoints.websocket_handshake import Handshake, switching_protocols

# The largest packet of MQTT that a hub takes, and its header. A frame is kept until it is complete.
MAX_MESSAGE = 257 * 1024
# All that a peer may send before the conversation has answered it, as in `protocols/mqtt/session.py`.
MAX_UNANSWERED = 32 * 1024
_DATA = frozenset({Opcode.BINARY, Opcode.CONT})
# The library tells every frame to a log that listens, and every connection's end.
_LOG = logging.getLogger("homeport.websocket")
_LOG.setLevel(logging.WARNING)


class WebSockets:
    """What all WebSockets of the process share. `streams` has the subprotocols in lower case."""

    def __init__(self, streams: Mapping[str, Streams], *, connections: OpenConnections, linger: float) -> None:
        self.streams = streams
        self.connections = connections
        self.closing: Deadlines[WebSocketConnection] = Deadlines(linger, WebSocketConnection.stop_waiting)

    def connection(self, handshake: Handshake, *, date: bytes) -> "WebSocketConnection":
        """A protocol for one connection, which begins with the answer to its handshake."""
        return WebSocketConnection(self, handshake, date)


class WebSocketConnection(asyncio.Protocol, asyncio.Transport):
    """One connection. The upper half of its methods is called by the socket, the lower half by the stream."""

    __slots__ = ("_answer", "_close_code", "_frames", "_shared", "_stream", "_transport", "_unanswered")

    def __init__(self, shared: WebSockets, handshake: Handshake, date: bytes) -> None:
        super().__init__()
        self._shared = shared
        self._answer = switching_protocols(handshake, date=date)
        self._frames = Protocol(Side.SERVER, state=State.OPEN, max_size=MAX_MESSAGE, logger=_LOG)
        self._stream: StreamConnection | None = shared.streams[handshake.subprotocol.lower()].connection()
        self._close_code = CloseCode.NORMAL_CLOSURE
        self._unanswered: int | None = 0

    # --- from the socket --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._answer)
        self._answer = b""
        if self._stream is not None:
            self._stream.connection_made(self)

    def data_received(self, data: bytes) -> None:
        was_open = self._is_open()
        self._frames.receive_data(data)
        self._bound(len(data))
        payload = self._payload()
        if payload and was_open and self._stream is not None:
            self._stream.data_received(payload)
        self._flush()

    def pause_writing(self) -> None:
        if self._stream is not None:
            self._stream.pause_writing()

    def resume_writing(self) -> None:
        if self._stream is not None:
            self._stream.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.connection_lost(exc)
        # The library's parser holds its protocol, and a frame that never became complete.
        self._frames.parser.close()
        self._shared.closing.stop(self)
        self._shared.connections.discard(self)

    def _bound(self, size: int) -> None:
        """A stranger must not fill the memory with a frame that it never completes."""
        if self._unanswered is None:
            return
        self._unanswered += size
        if self._unanswered > MAX_UNANSWERED and self._is_open():
            self._frames.fail(CloseCode.MESSAGE_TOO_BIG, "Wait for an answer first.")

    def _payload(self) -> bytes:
        """What the messages that have come hold, in one piece; a text message fails the connection."""
        pieces: list[bytes | bytearray | memoryview] = []
        for frame in cast(list[Frame], self._frames.events_received()):
            if frame.opcode is Opcode.TEXT:
                self._frames.fail(CloseCode.UNSUPPORTED_DATA, "Messages must be binary.")
                break
            if frame.opcode in _DATA:
                pieces.append(frame.data)
        return b"".join(pieces)

    def _flush(self) -> None:
        """Send what the library has to send. An end in it is due once both sides have closed, or one has failed."""
        pieces = self._frames.data_to_send()
        self._transport.write(b"".join(pieces))
        if SEND_EOF in pieces:
            if self._frames.close_rcvd is None and self._stream is not None:
                self._stream.fail("websocket_failed")
            self._transport.close()

    def stop_waiting(self) -> None:
        """The peer does not answer our closing."""
        self._transport.close()

    def wind_down(self) -> None:
        """See `streams.py`."""
        self._close_code = CloseCode.GOING_AWAY
        if self._stream is not None:
            self._stream.wind_down()

    def drain(self) -> None:
        """The server stops: have the conversation come to its end."""
        self._close_code = CloseCode.GOING_AWAY
        if self._stream is not None:
            self._stream.drain()

    # --- from the stream --------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._unanswered = None
        if self._is_open():
            self._frames.send_binary(data)
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Send a close frame, then wait a little for the peer's (RFC 6455, section 7.1.1)."""
        if self._is_open():
            self._frames.send_close(self._close_code)
            self._flush()
            self._shared.closing.start(self)

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return not self._is_open() or self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def _is_open(self) -> bool:
        return self._frames.state is State.OPEN
