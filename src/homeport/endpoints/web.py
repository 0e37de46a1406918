"""uvicorn on the TLS front: who speaks HTTP where it is not a device that asks.

Only uvicorn's protocol class is used, not its server. The class is no documented API; its minor version is
pinned, and `tests/unit/endpoints/test_web.py` says what is relied upon. Added here: what it leaves unbounded
(the size and time of a request's head and body), errors in our shape, an answer after the peer's end, and the
devices' way to `websocket.py`, on which the connection never returns.
"""

import asyncio
import sys
from typing import Any, cast

from httptools import HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from homeport import errors
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.deadlines import Deadlines
from homeport.endpoints.first_bytes import ChangeOver, speaks_device_api
from homeport.endpoints.http_answer import HttpDate, error_answer, render
from homeport.endpoints.http_limits import HeadMeter, parser_fault
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.web_application import WebApplication
from homeport.endpoints.websocket import WebSockets
from homeport.endpoints.websocket_handshake import Handshake, is_device_target, read_handshake
from homeport.errors import HomeportError
from homeport.protocols.conversation import Transport


class Web:
    """What all web connections of the process share."""

    def __init__(
        self,
        application: WebApplication,
        services: EdgeServices,
        *,
        connections: OpenConnections,
        websockets: WebSockets,
        request_timeout: float,
        idle_timeout: float,
    ) -> None:
        self.config = Config(
            cast(Any, application),
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            # What it would warn of is reported by us, once and without a traceback.
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=cast(int, idle_timeout),
        )
        self.config.load()
        self.state = ServerState()
        self.services = services
        self.date = HttpDate(services.clock)
        self.connections = connections
        self.websockets = websockets
        self.change_over: ChangeOver | None = None
        self.reading: Deadlines[WebConnection] = Deadlines(request_timeout, WebConnection.give_up)

    def connection(self) -> "WebConnection":
        """A protocol for one connection."""
        return WebConnection(self)


class WebConnection(HttpToolsProtocol):
    """One connection. `transport`, `parser`, `cycle` and the methods called `on_…` are uvicorn's."""

    def __init__(self, web: Web) -> None:
        super().__init__(web.config, web.state, app_state={})
        self._web = web
        self._head = HeadMeter()
        self._hosts = 0
        self._reason = "peer"
        self._handshake: Handshake | None = None
        self._upgraded_at: int | None = None
        self._receiving = False
        self._last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._web.services.reporter.connection_opened(Transport.HTTPS)
        self._web.reading.start(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._web.reading.stop(self)
        self._web.connections.discard(self)
        self._web.services.reporter.connection_closed(Transport.HTTPS, self._reason)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._is_idle() and speaks_device_api(data) and self._web.change_over is not None:
            return self._change_over(data, self._web.change_over)
        head_was_open = self._head.open
        super().data_received(data)
        if self._handshake is not None and self._upgraded_at is not None:
            self._hand_over(self._handshake, data[self._upgraded_at :])
        elif head_was_open and self._head.open:
            try:
                self._head.arrived(len(data))
            except HomeportError as error:
                self._refuse(error)

    def _is_idle(self) -> bool:
        """Whether nothing is owed or begun."""
        cycle = cast(RequestResponseCycle | None, self.cycle)
        return not self._receiving and not self.pipeline and (cycle is None or cycle.response_complete)

    def _change_over(self, data: bytes, change_over: ChangeOver) -> None:
        """The next request is a device's."""
        self._unset_keepalive_if_required()
        self._forget("changed over")
        change_over(self, self.transport, data)

    def _forget(self, reason: str) -> None:
        """The connection is somebody else's from now on; no connection_lost will come to untie what knows us."""
        self.connections.discard(self)
        self.parser = None  # type: ignore[assignment]  # as uvicorn does
        self._web.reading.stop(self)
        self._web.services.reporter.connection_closed(Transport.HTTPS, reason)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn declares that it returns nothing
        """A peer that has said all may still wait for its answer."""
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is None or cycle.more_body or cycle.response_complete:
            return False
        cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        self._head.begin()
        self._hosts = 0
        self._receiving = True
        self._web.reading.start(self)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._head.parsed(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head.parsed(len(name) + len(value) + len(b": \r\n"))
        # A trailer is no header: it must not bring a credential.
        if self._head.open:
            self._hosts += name.lower() == b"host"
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head.open = False
        self._check_host()
        if self.parser.should_upgrade() and self._wants_websocket():
            self._handshake = read_handshake(self.headers, self._web.websockets.streams)
        self.server_state.default_headers = [(b"date", self._web.date.text())]
        super().on_headers_complete()
        if self._last and self._handshake is None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._receiving = False
        self._web.reading.stop(self)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer to what its parser refuses, in our shape."""
        self._refuse(parser_fault(sys.exception()))

    def _should_upgrade(self) -> bool:
        return self._handshake is not None

    def handle_websocket_upgrade(self) -> None:
        """uvicorn calls it for the parser's exception, which says how much of the data was the request."""
        upgrade = cast(HttpParserUpgrade, sys.exception())
        self._upgraded_at = upgrade.args[0]

    def give_up(self) -> None:
        """A request takes too long to arrive."""
        self._reason = "timeout"
        self.transport.close()

    def wind_down(self) -> None:
        """The next answer says that it is the last."""
        self._last = True
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False

    def drain(self) -> None:
        """Answer what was asked, then close."""
        self._reason = "drained"
        self.shutdown()

    def abort(self) -> None:
        self._reason = "aborted"
        self.transport.abort()

    def _check_host(self) -> None:
        """One, or none from HTTP/1.0 (RFC 9112, section 3.2): tokens and hubs are judged by it."""
        if self._hosts > 1 or (not self._hosts and self.parser.get_http_version() == "1.1"):
            raise HomeportError(errors.INVALID_REQUEST, "It needs one header Host.")

    def _wants_websocket(self) -> bool:
        """Only of an idle connection: an answer of HTTP must not come between the frames."""
        cycle = cast(RequestResponseCycle | None, self.cycle)
        return (
            self._get_upgrade() == b"websocket"
            and (self.parser.get_method(), self.parser.get_http_version()) == (b"GET", "1.1")
            and is_device_target(self.url)
            and (cycle is None or cycle.response_complete)
        )

    def _hand_over(self, handshake: Handshake, behind: bytes) -> None:
        """The connection is a WebSocket from now on; `behind` came after its request."""
        web = self._web
        websocket = web.websockets.connection(handshake, date=web.date.text())
        self._forget("upgraded")
        self.transport.set_protocol(websocket)
        websocket.connection_made(self.transport)
        web.connections.hand_over(self, websocket)
        if behind:
            websocket.data_received(behind)

    def _refuse(self, error: HomeportError) -> None:
        services = self._web.services
        request_id = services.randomness.guid()
        services.reporter.refused(error, operation="unrouted", transport=Transport.HTTPS, correlation_id=request_id)
        answer = error_answer(error, request_id=request_id, now=services.clock.now())
        self.transport.write(render(answer, date=self._web.date.text(), close=True))
        self._reason = "refused"
        self.transport.close()
