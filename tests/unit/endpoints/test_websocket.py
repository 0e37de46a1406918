"""Streams over WebSocket: every way in, frames in all their forms, and every way in which it ends."""

import asyncio
import gc
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from tests.sockets.raw_websocket import (
    ACCEPT,
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    Frames,
    close_code,
    closing,
    frame,
    header,
    upgrade,
)
from tests.unit.endpoints.edge import HOST, Client, Edge, Identity, request, run
from tests.unit.endpoints.test_streams import SESSION
from websockets.asyncio.client import connect
from websockets.protocol import Protocol
from websockets.typing import Subprotocol

from homeport.endpoints.listeners import EdgeLimits
from homeport.endpoints.streams import StreamConnection
from homeport.endpoints.web import WebConnection
from homeport.endpoints.websocket import MAX_MESSAGE, MAX_UNANSWERED, WebSocketConnection
from homeport.protocols.conversation import (
    CloseConnection,
    Command,
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    Draining,
    Event,
    SendData,
    SendTelemetry,
)

HURRIED = EdgeLimits(request_timeout=0.05, idle_timeout=0.05, first_bytes_timeout=0.05, linger=0.05)
PATHS = ["/$iothub/websocket", "/$iothub/websocket?iothub-no-client-cert=true", "/", "/mqtt"]


@dataclass
class Echo:
    """Says again what it hears, but for some words; keeps what happened."""

    chain: tuple[bytes, ...] = ()
    events: list[Event] = field(default_factory=list)

    def receive(self, event: Event) -> list[Command]:
        self.events.append(event)
        match event:
            case DataReceived(data=b"close"):
                return [SendData(b"bye"), CloseConnection("asked to")]
            case DataReceived(data=b"crash"):
                raise ZeroDivisionError
            case DataReceived(data=b"telemetry"):
                return [SendTelemetry(session=SESSION, body=b"1", properties=())]
            case DataReceived(data=data):
                return [SendData(data)]
            case Draining():
                return [SendData(b"drained"), CloseConnection("drained")]
        return []

    @property
    def heard(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, DataReceived))


@pytest.fixture
def echo() -> Echo:
    return Echo()


@dataclass
class Socket:
    """A client's end, its handshake done."""

    client: Client
    frames: Frames = field(default_factory=Frames)

    @classmethod
    async def open(cls, edge: Edge, target: str = PATHS[0], *, behind: bytes = b"", plain: bool = False) -> "Socket":
        client = await (edge.connect_plain("plain_http") if plain else edge.connect())
        await client.send(upgrade(HOST, target) + behind)
        assert (await client.read_answer()).status == 101
        return cls(client)

    async def greet(self) -> None:
        """Have the conversation answer once, after which more may be said."""
        await self.say(frame(BINARY, b"hello"))
        assert await self.hear() == (BINARY, b"hello")

    async def say(self, *data: bytes) -> None:
        await self.client.send(b"".join(data))

    async def hear(self) -> Frame | None:
        """The next frame; None at the server's end."""
        async with asyncio.timeout(10):
            while True:
                for found in self.frames:
                    return found
                data = await self.client.reader.read(65_536)
                if not data:
                    return None
                self.frames.feed(data)

    async def hear_close(self) -> int:
        """The server's next frame closes, with this code; nothing comes behind it."""
        heard = await self.hear()
        assert heard is not None
        assert heard[0] == CLOSE, heard
        return close_code(heard[1])

    async def ends(self) -> bool:
        """Whether the server ends the connection without another frame."""
        try:
            return await self.hear() is None
        except (ConnectionError, ssl.SSLError):
            return True


def play(
    server: Identity, scenario: Callable[[Edge], Awaitable[None]], echo: Echo, *, limits: EdgeLimits | None = None
) -> None:
    def conversation(chain: tuple[bytes, ...]) -> Echo:
        echo.chain = chain
        return echo

    run(server, scenario, conversation=conversation, limits=limits)


# --- the way in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True], ids=["https", "plain_http"])
@pytest.mark.parametrize("subprotocol", ["mqtt", "MQTT", "AMQPWSB10", "amqpwsb10"])
@pytest.mark.parametrize("path", PATHS)
def test_a_kept_client_talks(server: Identity, echo: Echo, path: str, subprotocol: str, plain: bool) -> None:
    transport = f"{subprotocol[:4].lower()}-ws"

    async def scenario(edge: Edge) -> None:
        context = None if plain else ssl.create_default_context(cafile=str(edge.server.certificate))
        if context is not None:
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        port = edge.listeners.ports["plain_http" if plain else "https"]
        address = f"{'ws' if plain else 'wss'}://{HOST}:{port}{path}"
        async with connect(address, ssl=context, subprotocols=[Subprotocol(subprotocol)]) as client:
            assert client.subprotocol == subprotocol
            assert client.response is not None
            assert "Sec-WebSocket-Extensions" not in client.response.headers
            await client.send(b"one")
            assert await client.recv() == b"one"
            await (await client.ping())
        assert client.close_code == 1000
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        assert edge.reporter.opened == ["https", transport]
        assert edge.reporter.closed == [("https", "upgraded"), (transport, "peer")]
        assert [type(event) for event in echo.events] == [ConnectionOpened, DataReceived, ConnectionClosed]

    play(server, scenario, echo)


def test_handshake_may_come_byte_by_byte(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        for byte in upgrade(HOST, "/mqtt", "MQTT"):
            await client.send(bytes((byte,)))
        answer = await client.read_answer()
        assert (answer.status, answer.headers["sec-websocket-accept"]) == (101, ACCEPT)
        assert answer.headers["sec-websocket-protocol"] == "MQTT"
        socket = Socket(client)
        for byte in frame(BINARY, b"slowly"):
            await socket.say(bytes((byte,)))
        assert await socket.hear() == (BINARY, b"slowly")
        await client.close()

    play(server, scenario, echo)


def test_client_that_cannot_wait_loses_nothing(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge, behind=frame(BINARY, b"early"))
        assert await socket.hear() == (BINARY, b"early")
        await socket.client.close()

    play(server, scenario, echo)


def test_requests_may_come_before_it(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        assert (await client.ask("GET", "/nowhere")).status == 404
        await client.send(upgrade(HOST))
        assert (await client.read_answer()).status == 101
        await client.close()

    play(server, scenario, echo)


def test_handshake_does_not_overtake_an_answer(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("GET", "/nowhere") + upgrade(HOST))
        assert (await client.read_answer()).status == 404
        assert (await client.read_answer()).status == 404
        await client.close()
        assert echo.events == []

    play(server, scenario, echo)


def test_certificate_reaches_the_conversation(server: Identity, self_signed: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect(client=self_signed)
        await client.send(upgrade(HOST))
        assert (await client.read_answer()).status == 101
        assert echo.chain == self_signed.chain
        await client.close()

    play(server, scenario, echo)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(upgrade(HOST, subprotocol="chat"), 400009, id="another subprotocol"),
        pytest.param(upgrade(HOST, subprotocol=""), 400009, id="no subprotocol"),
        pytest.param(upgrade(HOST, sec_websocket_version="8"), 426001, id="another version"),
        pytest.param(upgrade(HOST, sec_websocket_key=""), 400004, id="no key"),
        pytest.param(upgrade(""), 400004, id="no host"),
        pytest.param(upgrade(HOST, content_length="5") + b"hello", 400004, id="a body"),
    ],
)
def test_no_handshake_gets_our_error_and_ends_the_connection(
    server: Identity, echo: Echo, sent: bytes, code: int
) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(sent)
        refused = await client.read_answer()
        assert (refused.status, refused.json["errorCode"]) == (code // 1000, code)
        assert refused.headers["connection"] == "close"
        assert (refused.headers.get("upgrade"), refused.headers.get("sec-websocket-version")) == (
            ("websocket", "13") if code == 426001 else (None, None)
        )
        assert await client.read_to_end() == b""
        await client.close()
        assert echo.events == []

    play(server, scenario, echo)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(upgrade(HOST, "/nowhere"), id="another path"),
        pytest.param(upgrade(HOST, upgrade="h2c"), id="another protocol"),
        pytest.param(upgrade(HOST, connection="keep-alive"), id="no offer"),
        pytest.param(upgrade(HOST).replace(b"GET", b"PUT", 1), id="another method"),
        pytest.param(upgrade(HOST).replace(b"HTTP/1.1", b"HTTP/1.0", 1), id="HTTP/1.0"),
        pytest.param(request("GET", "/$iothub/websocket"), id="a request like any other"),
    ],
)
def test_what_offers_no_websocket_is_an_ordinary_request(server: Identity, echo: Echo, sent: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(sent)
        refused = await client.read_answer()
        assert (refused.status, refused.json["errorCode"]) == (404, 404000)
        await client.close()

    play(server, scenario, echo)


@pytest.mark.parametrize("begun", [upgrade(HOST)[:-2], upgrade(HOST)[:30]], ids=["almost all", "a line"])
def test_slow_handshake_is_given_up(server: Identity, echo: Echo, begun: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(begun)
        assert await client.read_to_end() == b""
        await client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    play(server, scenario, echo, limits=HURRIED)


def test_open_socket_outlives_the_time_of_a_request(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await asyncio.sleep(0.2)
        await socket.say(frame(BINARY, b"still here"))
        assert await socket.hear() == (BINARY, b"still here")
        await socket.client.close()

    play(server, scenario, echo, limits=HURRIED)


# --- frames ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, MAX_MESSAGE])
def test_message_of_any_size(server: Identity, echo: Echo, size: int) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.greet()
        data = bytes(range(256)) * (size // 256 + 1)
        await socket.say(frame(BINARY, data[:size]), frame(PING, b"end"))
        while (heard := await socket.hear()) != (PONG, b"end"):
            assert heard == (BINARY, data[:size])
        assert echo.heard == b"hello" + data[:size]
        await socket.client.close()

    play(server, scenario, echo)


def test_fragments_pass_on_as_they_come(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(frame(BINARY, b"begin", fin=False))
        assert await socket.hear() == (BINARY, b"begin")
        await socket.say(frame(PING, b"between"), frame(CONTINUATION, b"middle", fin=False))
        assert await socket.hear() == (PONG, b"between")
        assert await socket.hear() == (BINARY, b"middle")
        await socket.say(frame(CONTINUATION, b"end"), frame(BINARY, b"next"))
        assert await socket.hear() == (BINARY, b"endnext")
        await socket.client.close()

    play(server, scenario, echo)


def test_pong_that_nobody_asked_for_is_no_message(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(frame(PONG, b"here"), frame(BINARY, b"data"))
        assert await socket.hear() == (BINARY, b"data")
        assert echo.heard == b"data"
        await socket.client.close()

    play(server, scenario, echo)


def test_peer_that_does_not_read_is_not_read_either(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.greet()
        socket.client.writer.transport.pause_reading()
        message, often = frame(BINARY, bytes(65_536)), 500
        for _ in range(often):
            socket.client.writer.write(message)
        heard = -1
        while heard != (heard := len(echo.heard)):  # noqa: ASYNC110 (that nothing more comes is no event)
            await asyncio.sleep(0.2)
        assert heard < often * 65_536
        socket.client.writer.transport.resume_reading()
        for _ in range(often):
            assert await socket.hear() == (BINARY, bytes(65_536))
        await socket.client.close()

    play(server, scenario, echo)


def test_questions_are_held_back_too(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        edge.hubs.gate = asyncio.Event()
        socket = await Socket.open(edge)
        for _ in range(100):
            await socket.say(frame(BINARY, b"telemetry"))
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert echo.heard.count(b"telemetry") < 100
        edge.hubs.gate.set()
        await edge.settled(lambda: len(edge.hubs.questions) == 100)
        await socket.client.close()

    play(server, scenario, echo)


# --- the end --------------------------------------------------------------------------------------------------


VIOLATIONS = {
    "not masked": (frame(BINARY, b"x", mask=False), 1002),
    "reserved bit 1": (frame(BINARY, b"x", reserved=4), 1002),
    "reserved bit 3": (frame(BINARY, b"x", reserved=1), 1002),
    "unknown opcode": (frame(0x3, b"x"), 1002),
    "unknown control opcode": (frame(0xB, b"x"), 1002),
    "continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "message inside a message": (frame(BINARY, b"", fin=False) + frame(BINARY, b"x"), 1002),
    "long ping": (frame(PING, bytes(126)), 1002),
    "ping in fragments": (frame(PING, b"x", fin=False), 1002),
    "close of one byte": (frame(CLOSE, b"x"), 1002),
    "close with a reserved code": (closing(1005), 1002),
    "close with a reason that is no text": (closing(1000, b"\xff"), 1007),
    "text": (frame(TEXT, b"hello"), 1003),
    "text that is none": (frame(TEXT, b"\xff"), 1003),
    "text in fragments": (frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"x"), 1003),
    "frame of 2^63 bytes": (header(BINARY, 1 << 63), 1009),
    "frame of one byte too many": (header(BINARY, MAX_MESSAGE + 1), 1009),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_violation_closes_with_its_code(server: Identity, echo: Echo, name: str) -> None:
    data, code = VIOLATIONS[name]

    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.greet()
        await socket.say(data)
        assert await socket.hear_close() == code
        assert await socket.ends()
        await socket.client.close()
        await edge.settled(lambda: edge.reporter.closed[1:] == [("mqtt-ws", "websocket_failed")])
        assert echo.heard == b"hello"

    play(server, scenario, echo)


def test_message_without_end_is_too_big(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.greet()
        await socket.say(frame(BINARY, bytes(1000), fin=False))
        for _ in range(MAX_MESSAGE // 1000):
            await socket.say(frame(CONTINUATION, bytes(1000), fin=False))
        while (heard := await socket.hear()) is not None and heard[0] == BINARY:
            pass
        assert heard is not None
        assert close_code(heard[1]) == 1009
        assert await socket.ends()
        await socket.client.close()

    play(server, scenario, echo)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(header(BINARY, MAX_MESSAGE) + bytes(MAX_UNANSWERED), id="half a message"),
        pytest.param(frame(PING, bytes(100)) * (MAX_UNANSWERED // 100), id="pings"),
    ],
)
def test_stranger_may_not_say_much(server: Identity, echo: Echo, data: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(data)
        while (heard := await socket.hear()) is not None and heard[0] == PONG:
            pass
        assert heard is not None
        assert (heard[0], close_code(heard[1])) == (CLOSE, 1009)
        assert await socket.ends()
        await socket.client.close()
        assert echo.heard == b""

    play(server, scenario, echo)


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe9bye"], ids=["nothing", "code", "code and reason"])
def test_peer_that_closes_gets_its_close_back(server: Identity, echo: Echo, payload: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(frame(BINARY, b"telemetry"), frame(CLOSE, payload), frame(BINARY, b"behind"))
        assert await socket.hear() == (CLOSE, payload)
        assert await socket.ends()
        await socket.client.close()
        await edge.settled(lambda: edge.reporter.closed[1:] == [("mqtt-ws", "peer")])
        assert echo.heard == b"telemetry"
        assert len(edge.hubs.questions) == 1

    play(server, scenario, echo)


@pytest.mark.parametrize("plain", [False, True], ids=["https", "plain_http"])
def test_conversation_that_ends_closes_the_socket(server: Identity, echo: Echo, plain: bool) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge, plain=plain)
        await socket.say(frame(BINARY, b"close"))
        assert await socket.hear() == (BINARY, b"bye")
        assert await socket.hear_close() == 1000
        await socket.say(frame(BINARY, b"ignored"), closing(1000))
        assert await socket.ends()
        await socket.client.close()
        await edge.settled(lambda: edge.reporter.closed[1:] == [("mqtt-ws", "asked to")])
        assert echo.heard == b"close"

    play(server, scenario, echo)


def test_peer_that_does_not_answer_a_close_is_left(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(frame(BINARY, b"close"))
        assert await socket.hear() == (BINARY, b"bye")
        assert await socket.hear_close() == 1000
        assert await socket.ends()
        await socket.client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    play(server, scenario, echo, limits=HURRIED)


def test_drain_tells_that_the_server_goes_away(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        draining = asyncio.ensure_future(edge.listeners.drain(10))
        assert await socket.hear() == (BINARY, b"drained")
        assert await socket.hear_close() == 1001
        await socket.say(closing(1001))
        assert await socket.ends()
        await draining
        await socket.client.close()

    play(server, scenario, echo)


def test_winding_down_ends_a_hubs_session_only(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        winding_down = asyncio.ensure_future(edge.listeners.wind_down(60))
        await edge.settled(lambda: not edge.listeners.is_listening())
        await socket.say(frame(BINARY, b"still there?"))
        assert await socket.hear() == (BINARY, b"still there?")
        await socket.say(frame(BINARY, b"close"))
        assert await socket.hear() == (BINARY, b"bye")
        assert await socket.hear_close() == 1001
        await socket.say(closing(1001))
        assert await socket.ends()
        await winding_down
        await socket.client.close()

    play(server, scenario, echo)


def test_drain_aborts_who_does_not_answer(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await edge.listeners.drain(0.05)
        assert edge.listeners.open_connections == 0
        socket.client.writer.transport.abort()

    play(server, scenario, echo)


def test_crash_ends_the_connection(server: Identity, echo: Echo) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(frame(BINARY, b"crash"))
        assert await socket.ends()
        await socket.client.close()
        assert [type(error) for error in edge.reporter.crashes] == [ZeroDivisionError]

    play(server, scenario, echo)


@pytest.mark.parametrize("begun", [b"", frame(BINARY, b"half")[:-2]], ids=["idle", "in a message"])
@pytest.mark.parametrize("politely", [True, False])
def test_peer_that_goes_without_a_word(server: Identity, echo: Echo, begun: bytes, politely: bool) -> None:
    async def scenario(edge: Edge) -> None:
        socket = await Socket.open(edge)
        await socket.say(begun)
        if politely:
            await socket.client.close()
        else:
            socket.client.writer.transport.abort()
        await edge.settled(lambda: edge.reporter.closed[1:] == [("mqtt-ws", "peer")])
        assert isinstance(echo.events[-1], ConnectionClosed)
        assert echo.heard == b""

    play(server, scenario, echo)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="idle"),
        pytest.param(header(BINARY, 1000) + bytes(500), id="half a message"),
        pytest.param(frame(TEXT, b"x"), id="failed"),
        pytest.param(frame(BINARY, b"close"), id="closed"),
    ],
)
def test_nothing_of_a_connection_is_left_to_the_collector(server: Identity, begun: bytes) -> None:
    def connections() -> set[int]:
        kinds = (WebConnection, WebSocketConnection, StreamConnection, Protocol)
        return {id(each) for each in gc.get_objects() if isinstance(each, kinds)}

    async def scenario(edge: Edge) -> None:
        gc.collect()
        gc.disable()
        before = connections()
        socket = await Socket.open(edge)
        await socket.say(begun)
        await socket.client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        await asyncio.sleep(0.01)
        assert connections() == before

    try:
        run(server, scenario, conversation=Echo)
    finally:
        gc.enable()
