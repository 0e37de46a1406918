"""The device API's HTTP: a strict httptools protocol that speaks three routes and nothing else.

It reads requests, keeps the order of pipelined ones, and bounds what a peer may send and how long it may take.
What a request means is `device_answers.py`'s business. A request for another route on such a connection gets
421 and the connection's end while an answer is owed; on an idle connection it goes to the web application, by
`first_bytes.py`.
"""

import asyncio
from collections import deque
from typing import cast

import httptools

from homeport import errors
from homeport.endpoints.connections import OpenConnections, source_of
from homeport.endpoints.deadlines import Deadlines
from homeport.endpoints.device_answers import DeviceAnswers, DeviceHttpRequest
from homeport.endpoints.first_bytes import ChangeOver, speaks_device_api
from homeport.endpoints.http_answer import HttpAnswer, HttpDate, render
from homeport.endpoints.http_limits import HeadMeter, body_too_large, parser_fault
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.tasks import spawn
from homeport.errors import HomeportError
from homeport.protocols.conversation import Transport

MAX_BODY = 96 * 1024
_MAX_PIPELINED = 8
_KEPT_HEADERS = frozenset(
    {b"authorization", b"host", b"content-length", b"content-type", b"content-encoding", b"expect"}
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# What clients are seen to send with JSON; curl's default for `-d` among them.
_MEDIA_TYPES = frozenset(
    {
        b"application/json",
        b"text/json",
        b"text/plain",
        b"application/octet-stream",
        b"application/x-www-form-urlencoded",
    }
)
# `utf-8` is no encoding, but the field's documentation sends it (wire contract, section 4.2).
_IDENTITY = frozenset({b"", b"identity", b"utf-8"})


class DeviceHttp:
    """What all device connections of the process share."""

    def __init__(
        self, services: EdgeServices, *, connections: OpenConnections, request_timeout: float, idle_timeout: float
    ) -> None:
        self.answers = DeviceAnswers(services)
        self.throttle = services.throttle
        self.reporter = services.reporter
        self.date = HttpDate(services.clock)
        self.connections = connections
        self.change_over: ChangeOver | None = None
        self.reading: Deadlines[DeviceHttpConnection] = Deadlines(request_timeout, DeviceHttpConnection.give_up)
        self.idle: Deadlines[DeviceHttpConnection] = Deadlines(idle_timeout, DeviceHttpConnection.stop_waiting)

    def connection(self) -> "DeviceHttpConnection":
        """A protocol for one connection."""
        return DeviceHttpConnection(self)


class DeviceHttpConnection(asyncio.Protocol):
    """One device's connection. The methods called `on_…` are the parser's."""

    __slots__ = (
        "_begun",
        "_body",
        "_chain",
        "_draining",
        "_head",
        "_headers",
        "_parser",
        "_reason",
        "_receiving",
        "_requests",
        "_server",
        "_serving",
        "_source",
        "_target",
        "_transport",
        "_unread",
        "_write_paused",
    )

    def __init__(self, server: DeviceHttp) -> None:
        self._server = server
        self._parser: httptools.HttpRequestParser | None = None
        self._requests: deque[DeviceHttpRequest] = deque()
        self._serving = False
        self._write_paused = False
        self._begun = False  # a request has begun with the bytes that are being parsed
        self._receiving = False  # a request has begun and is not complete
        self._unread = False  # nothing that arrives from now on is read
        self._draining = False
        self._head = HeadMeter()
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._reason = "peer"

    # --- from the transport -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._chain: tuple[bytes, ...] = transport.get_extra_info("client_chain") or ()
        self._source = source_of(transport, self._server.throttle)
        self._parser = httptools.HttpRequestParser(self)
        self._server.reporter.connection_opened(Transport.HTTPS)
        self._server.idle.start(self)

    def data_received(self, data: bytes) -> None:
        if self._unread or self._parser is None:
            return
        if self._is_idle() and speaks_device_api(data) is False and self._server.change_over is not None:
            return self._change_over(data, self._server.change_over)
        head_was_open = self._head.open
        try:
            self._parser.feed_data(data)
            if head_was_open and self._head.open:
                self._head.arrived(len(data))
            if self._begun and self._receiving:
                self._server.reading.start(self)
            self._begun = False
        except httptools.HttpParserUpgrade:
            # Nothing to change to: the request was taken as it is (RFC 9110, section 7.8), and is the last.
            pass
        except httptools.HttpParserError as error:
            self._refuse(parser_fault(error))
        except HomeportError as error:
            self._refuse(error)

    def _is_idle(self) -> bool:
        """Whether nothing is owed or begun; at the beginning there is always a request of ours."""
        return not (self._receiving or self._serving or self._requests)

    def _change_over(self, data: bytes, change_over: ChangeOver) -> None:
        """The next request is not a device's."""
        server = self._server
        server.idle.stop(self)
        server.reporter.connection_closed(Transport.HTTPS, "changed over")
        # The parser holds this object's methods, and no connection_lost will come to untie that.
        self._parser = None
        change_over(self, self._transport, data)

    def eof_received(self) -> bool:
        """Answer what was asked, then close."""
        self._unread = True
        return self._serving or bool(self._requests)

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._serve()

    def connection_lost(self, exc: Exception | None) -> None:
        server = self._server
        server.idle.stop(self)
        server.reading.stop(self)
        server.connections.discard(self)
        server.reporter.connection_closed(Transport.HTTPS, self._reason)
        # The parser holds this object's methods.
        self._parser = None
        self._unread = True
        self._requests.clear()

    # --- from the parser --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._begun = self._receiving = True
        self._head.begin()
        self._target = b""
        self._headers = {}
        self._body = bytearray()

    def on_url(self, url: bytes) -> None:
        self._head.parsed(len(url))
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head.parsed(len(name) + len(value) + len(b": \r\n"))
        name = name.lower()
        # A trailer is no header: it must not bring a credential.
        kept = name in _KEPT_HEADERS and self._head.open
        if kept and self._headers.setdefault(name, value) != value:
            raise HomeportError(errors.INVALID_REQUEST, f"The header {name.decode()} stands twice.")

    def on_headers_complete(self) -> None:
        self._head.open = False
        headers = self._headers
        if b"host" not in headers and cast(httptools.HttpRequestParser, self._parser).get_http_version() == "1.1":
            raise HomeportError(errors.INVALID_REQUEST, "The header Host is missing.")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MAX_BODY:
            raise body_too_large(MAX_BODY)
        _require_json(headers)
        # Ahead of the answer to an earlier request it would be taken for a part of that.
        if headers.get(b"expect", b"").lower() == b"100-continue" and not self._serving:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY:
            raise body_too_large(MAX_BODY)

    def on_message_complete(self) -> None:
        parser = cast(httptools.HttpRequestParser, self._parser)
        self._unread = not parser.should_keep_alive() or parser.should_upgrade()
        self._take(
            DeviceHttpRequest(
                method=parser.get_method(),
                target=self._target,
                headers=self._headers,
                body=bytes(self._body),
                certificate_chain=self._chain,
                source=self._source,
                last=self._unread,
            )
        )

    # --- requests in, answers out -----------------------------------------------------------------------------

    def _take(self, request: DeviceHttpRequest) -> None:
        self._receiving = False
        self._requests.append(request)
        if len(self._requests) > _MAX_PIPELINED:
            self._transport.pause_reading()
        self._serve()

    def _refuse(self, error: HomeportError) -> None:
        """What the peer sends is not a request that can be read: say so in its turn, then close."""
        if not self._unread:
            self._unread = True
            self._take(DeviceHttpRequest(fault=error, last=True))

    def _serve(self) -> None:
        if self._requests and not self._serving and not self._write_paused:
            self._serving = True
            spawn(self._answer_requests())

    async def _answer_requests(self) -> None:
        try:
            while self._requests and not self._write_paused:
                request = self._requests.popleft()
                self._send(await self._server.answers.answer(request), request)
        finally:
            self._serving = False
        if not self._transport.is_closing():
            self._rest()

    def _send(self, answer: HttpAnswer, request: DeviceHttpRequest) -> None:
        if self._transport.is_closing():
            return
        last = request.last or self._unread or (self._draining and not self._receiving)
        close = answer.close or (last and not self._requests)
        self._transport.write(
            render(answer, date=self._server.date.text(), close=close, head_only=request.method == b"HEAD")
        )
        if close:
            self._end("answered")

    def _rest(self) -> None:
        """All is answered, or the peer does not read; wait for it."""
        if not self._requests:
            self._transport.resume_reading()
        self._server.idle.start(self)

    # --- ends -------------------------------------------------------------------------------------------------

    def stop_waiting(self) -> None:
        """The peer was silent for long; that is its right while it waits for an answer."""
        if self._serving:
            self._server.idle.start(self)
        elif not self._receiving:
            self._end("timeout")

    def give_up(self) -> None:
        """The peer takes too long over a request."""
        if self._receiving:
            self._end("timeout")

    def wind_down(self) -> None:
        """The next answer says that it is the last; a connection that is closed first may cross with a request."""
        self._draining = True

    def drain(self) -> None:
        """Answer what was asked, and say that it was the last."""
        self._draining = True
        if not (self._serving or self._receiving or self._requests):
            self._end("drained")

    def abort(self) -> None:
        self._reason = "aborted"
        self._transport.abort()

    def _end(self, reason: str) -> None:
        self._unread = True
        self._reason = reason
        self._requests.clear()
        self._transport.close()


def _require_json(headers: dict[bytes, bytes]) -> None:
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in _IDENTITY:
        raise HomeportError(errors.UNSUPPORTED_MEDIA_TYPE, "Send it without a content encoding.")
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type and media_type not in _MEDIA_TYPES and not media_type.endswith(b"+json"):
        raise HomeportError(errors.UNSUPPORTED_MEDIA_TYPE, "Send Content-Type: application/json.")
