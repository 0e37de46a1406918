"""uvicorn's protocol on our front: what is relied upon, and what is added to it."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.unit.endpoints.edge import HOST, Client, Edge, Identity, request, run

from homeport.endpoints.http_limits import MAX_HEAD
from homeport.endpoints.listeners import EdgeLimits

HURRIED = EdgeLimits(request_timeout=0.05, idle_timeout=0.05, first_bytes_timeout=0.05)


async def echo(got: Request) -> Response:
    body = await got.body()
    return JSONResponse({"body": body.decode(), "peer": got.client.host if got.client else None, "url": str(got.url)})


async def slow(got: Request) -> Response:
    event: asyncio.Event = (got.query_params.get("event") and GATES[got.query_params["event"]]) or asyncio.Event()
    await event.wait()
    return Response(b"done")


async def stream(_: Request) -> Response:
    async def pieces() -> "asyncio.AsyncIterator[bytes]":
        for _ in range(300):
            yield b"x" * 100_000

    return StreamingResponse(pieces())


GATES: dict[str, asyncio.Event] = {}
ROUTES = [
    Route("/echo", echo, methods=["GET", "POST"]),
    Route("/slow", slow),
    Route("/stream", stream),
]


async def is_closed(client: Client) -> bool:
    return await client.read_to_end() == b""


def test_requests_share_a_connection(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        for number in range(3):
            answer = await client.ask("POST", "/echo", b"%d" % number)
            assert answer.json == {"body": str(number), "peer": HOST, "url": f"https://{HOST}:443/echo"}
            assert answer.headers["date"].endswith("GMT")
            assert "server" not in answer.headers
        assert edge.reporter.opened == ["https"]
        assert edge.reporter.served == [("echo", 200)] * 3
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_pipelined_requests_are_answered_in_order(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(b"".join(request("POST", "/echo", b"%d" % number) for number in range(5)))
        assert [(await client.read_answer()).json["body"] for _ in range(5)] == list("01234")
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_chunked_body_after_100_continue(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("POST", "/echo", transfer_encoding="chunked", expect="100-continue"))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert (await client.read_answer()).json["body"] == "abcde"
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_long_answer_waits_for_a_slow_reader(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("GET", "/stream"))
        client.writer.transport.pause_reading()
        await asyncio.sleep(0.05)
        client.writer.transport.resume_reading()
        size = 0
        async with asyncio.timeout(20):
            await client.reader.readuntil(b"\r\n\r\n")
            while length := int(await client.reader.readline(), 16):
                size += len((await client.reader.readexactly(length + 2))[:-2])
        assert size == 30_000_000
        await client.close()

    run(server, scenario, routes=ROUTES)


@pytest.mark.parametrize("listener", ["https", "plain_http"])
def test_peer_that_has_said_all_still_gets_its_answer(server: Identity, listener: str) -> None:
    async def scenario(edge: Edge) -> None:
        GATES["eof"] = asyncio.Event()
        client = await (edge.connect_plain(listener) if listener == "plain_http" else edge.connect(listener))
        await client.send(request("GET", "/slow?event=eof"))
        if client.writer.can_write_eof():
            client.writer.write_eof()
        await asyncio.sleep(0.02)
        GATES["eof"].set()
        assert (await client.read_answer()).body == b"done"
        await client.close()

    run(server, scenario, routes=ROUTES)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(b"GET /echo HTTP/1.1\r\nHost a\r\n\r\n", 400004, id="no header"),
        pytest.param(b"\x00\x01\x02\x03\r\n", 400004, id="garbage"),
        pytest.param(request("POST", "/echo", transfer_encoding="chunked") + b"zz\r\n", 400004, id="bad chunk size"),
        pytest.param(request("GET", "/echo", x_flood="a" * MAX_HEAD), 431001, id="one long header"),
        pytest.param(b"GET /echo HTTP/1.1\r\nX-Endless: " + b"a" * 4 * MAX_HEAD, 431001, id="endless header"),
        pytest.param(
            request("GET", "/echo", **{f"x_{number}": "a" * 100 for number in range(200)}), 431001, id="many headers"
        ),
    ],
)
def test_unreadable_request_gets_our_error_and_ends_the_connection(
    server: Identity, caplog: pytest.LogCaptureFixture, sent: bytes, code: int
) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(sent)
        refused = await client.read_answer()
        assert (refused.status, refused.json["errorCode"]) == (code // 1000, code)
        assert refused.headers["x-ms-error-code"] == str(code)
        assert refused.headers["connection"] == "close"
        assert await is_closed(client)
        await client.close()

    run(server, scenario, routes=ROUTES)
    assert caplog.records == []


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /ec", id="half a line"),
        pytest.param(b"GET /echo HTTP/1.1\r\nHost:", id="half a head"),
        pytest.param(request("POST", "/echo", b"12345")[:-1], id="half a body"),
        pytest.param(request("GET", "/echo"), id="idle"),
    ],
)
def test_slow_request_and_idle_connection_are_given_up(server: Identity, begun: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(begun)
        await client.read_to_end()
        await client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    run(server, scenario, routes=ROUTES, limits=HURRIED)


def test_drain_answers_what_was_taken_and_closes_what_is_idle(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        GATES["drain"] = asyncio.Event()
        busy, idle, undecided = [await edge.connect() for _ in range(3)]
        await busy.send(request("GET", "/slow?event=drain"))
        await idle.ask("GET", "/echo")
        await edge.settled(lambda: len(edge.reporter.opened) == 2)
        draining = asyncio.ensure_future(edge.listeners.drain(10))
        assert await is_closed(idle)
        assert await is_closed(undecided)
        GATES["drain"].set()
        answer = await busy.read_answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        await draining
        for client in (busy, idle, undecided):
            await client.close()

    run(server, scenario, routes=ROUTES)


def test_while_winding_down_each_connection_gets_one_more_answer(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        GATES["relieved"] = asyncio.Event()
        busy, kept = [await edge.connect() for _ in range(2)]
        assert "connection" not in (await kept.ask("GET", "/echo")).headers
        await busy.send(request("GET", "/slow?event=relieved"))
        await edge.settled(lambda: len(edge.reporter.opened) == 2)
        winding_down = asyncio.ensure_future(edge.listeners.wind_down(60))
        await edge.settled(lambda: not edge.listeners.is_listening())
        GATES["relieved"].set()
        for answer in (await busy.read_answer(), await kept.ask("GET", "/echo")):
            assert (answer.status, answer.headers["connection"]) == (200, "close")
        for client in (busy, kept):
            assert await is_closed(client)
            await client.close()
        await winding_down

    run(server, scenario, routes=ROUTES)


def test_drain_aborts_what_takes_too_long(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        GATES["stuck"] = asyncio.Event()
        client = await edge.connect()
        await client.send(request("GET", "/slow?event=stuck"))
        await edge.settled(lambda: len(edge.reporter.opened) == 1)
        await edge.listeners.drain(0.05)
        assert edge.reporter.closed == [("https", "aborted")]
        GATES["stuck"].set()
        client.writer.transport.abort()

    run(server, scenario, routes=ROUTES)


def test_offer_to_upgrade_is_ignored(server: Identity, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        answer = await client.ask("GET", "/echo", connection="Upgrade", upgrade="websocket")
        assert answer.status == 200
        await client.close()

    run(server, scenario, routes=ROUTES)
    assert caplog.records == []


def test_a_device_route_is_misdirected_while_an_answer_is_owed(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        device = request("PUT", "/0ne1/registrations/dev-1/register?api-version=2021-06-01", b"{}")
        await client.send(request("GET", "/echo") + device)
        assert (await client.read_answer()).status == 200
        misdirected = await client.read_answer()
        assert (misdirected.status, misdirected.json["errorCode"]) == (421, 421001)
        assert misdirected.headers["connection"] == "close"
        assert await is_closed(client)
        assert edge.registrations.calls == []
        await client.close()

    run(server, scenario, routes=ROUTES)
