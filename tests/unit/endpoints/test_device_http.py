"""The device API over real sockets: what clients send, what hostile peers send, and the end of connections."""

import asyncio
import socket
import struct

import pytest
from tests.unit.endpoints.edge import OPERATION_ID, Client, Edge, Identity, request, run

from homeport.endpoints.device_http import MAX_BODY
from homeport.endpoints.http_limits import MAX_HEAD
from homeport.endpoints.listeners import EdgeLimits

REGISTER = "/0ne000A/registrations/dev-1/register?api-version=2021-06-01"
POLL = f"/0ne000A/registrations/dev-1/operations/{OPERATION_ID}?api-version=2021-06-01"
BODY = b'{"registrationId":"dev-1"}'
HURRIED = EdgeLimits(request_timeout=0.05, idle_timeout=0.05)


async def is_closed(client: Client) -> bool:
    return await client.read_to_end() == b""


def test_requests_share_a_connection(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        for _ in range(3):
            assert (await client.ask("PUT", REGISTER, BODY)).status == 202
            assert (await client.ask("GET", POLL, b"{}")).status == 202
        assert edge.reporter.opened == ["https"]
        await client.close()
        await edge.settled(lambda: edge.reporter.closed == [("https", "peer")])

    run(server, scenario)


def test_certificate_chain_goes_with_each_request(server: Identity, chained: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect(client=chained)
        await client.ask("PUT", REGISTER, BODY)
        await client.ask("GET", POLL)
        assert [call["proof"].certificate_chain for call in edge.registrations.calls] == [chained.chain] * 2
        await client.close()

    run(server, scenario)


def test_pipelined_requests_are_answered_in_order(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        targets = [f"/0ne000A/registrations/dev-{n}/register?api-version=2021-06-01" for n in range(40)]
        await client.send(b"".join(request("PUT", target) for target in targets))
        for n in range(40):
            answer = await client.read_answer()
            assert answer.headers["location"].endswith(f"/registrations/dev-{n}/register")
        await client.close()

    run(server, scenario)


def test_pipelining_without_reading_is_held_back(server: Identity) -> None:
    """A peer that asks for ever and reads never meets back-pressure, not the server's memory."""

    async def scenario(edge: Edge) -> None:
        edge.registrations.gate = asyncio.Event()
        client = await edge.connect()
        client.writer.transport.set_write_buffer_limits(high=64 * 1024)
        chunk = request("PUT", REGISTER, BODY) * 200

        async def flood() -> None:
            while True:
                await client.send(chunk)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(), 0.5)
        assert len(edge.registrations.calls) == 1
        edge.registrations.gate.set()
        client.writer.transport.abort()
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    run(server, scenario)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_request_in_pieces(server: Identity, step: int) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        data = request("PUT", REGISTER, b'{"payload":{"a":1}}', content_type="application/json")
        for start in range(0, len(data), step):
            await client.send(data[start : start + step])
        assert (await client.read_answer()).status == 202
        assert edge.registrations.calls[0]["payload"] == b'{"a":1}'
        await client.close()

    run(server, scenario)


def test_chunked_body(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("PUT", REGISTER, transfer_encoding="chunked"))
        await client.send(b'b\r\n{"payload":\r\n2\r\n7}\r\n0\r\nAuthorization: forged\r\n\r\n')
        assert (await client.read_answer()).status == 202
        [call] = edge.registrations.calls
        assert call["payload"] == b"7"
        assert call["proof"].sas_token is None  # a trailer is no header
        await client.close()

    run(server, scenario)


def test_expect_100_continue(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        head, _, body = request("PUT", REGISTER, BODY, expect="100-continue").partition(b"\r\n\r\n")
        await client.send(head + b"\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(body)
        assert (await client.read_answer()).status == 202
        await client.close()

    run(server, scenario)


def test_head_is_refused_without_a_body(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        refused = await client.ask("HEAD", REGISTER)
        assert (refused.status, refused.headers["allow"]) == (405, "PUT")
        assert (await client.ask("PUT", REGISTER, BODY)).status == 202
        await client.close()

    run(server, scenario)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(request("PUT", REGISTER, host=""), 400004, id="no Host"),
        pytest.param(request("PUT", REGISTER, transfer_encoding="chunked") + b"zz\r\n", 400004, id="bad chunk size"),
        pytest.param(
            request("PUT", REGISTER, BODY, transfer_encoding="chunked"), 400004, id="length and chunks: smuggling"
        ),
        pytest.param(request("PUT", REGISTER, content_length="-1"), 400004, id="negative length"),
        pytest.param(f"PUT {REGISTER} HTTP/9.9\r\n\r\n".encode(), 400004, id="unknown version"),
        pytest.param(
            f"PUT {REGISTER} HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n".encode(),
            400004,
            id="two credentials",
        ),
        pytest.param(request("PUT", REGISTER, content_length=str(MAX_BODY + 1)), 413001, id="long body announced"),
        pytest.param(
            request("PUT", REGISTER, transfer_encoding="chunked") + b"20000\r\n" + b" " * 0x20000,
            413001,
            id="long body",
        ),
        pytest.param(request("PUT", REGISTER, BODY, content_encoding="gzip"), 415001, id="compressed"),
        pytest.param(request("PUT", REGISTER, BODY, content_type="application/xml"), 415001, id="no JSON"),
        pytest.param(request("PUT", REGISTER, x_flood="a" * MAX_HEAD), 431001, id="one long header"),
        pytest.param(request("PUT", REGISTER, **{f"x_{n}": "a" * 100 for n in range(200)}), 431001, id="many headers"),
        pytest.param(request("PUT", REGISTER + "&x=" + "a" * MAX_HEAD), 431001, id="long target"),
        pytest.param(
            f"PUT {REGISTER} HTTP/1.1\r\nX-Endless: ".encode() + b"a" * 4 * MAX_HEAD, 431001, id="endless header"
        ),
    ],
)
def test_unreadable_request_is_told_so_and_ends_the_connection(server: Identity, sent: bytes, code: int) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(sent)
        refused = await client.read_answer()
        assert refused.json["errorCode"] == code
        assert refused.status == code // 1000
        assert refused.headers["x-ms-error-code"] == str(code)
        assert refused.headers["x-ms-request-id"] == refused.json["trackingId"]
        assert refused.headers["connection"] == "close"
        assert await is_closed(client)
        assert edge.registrations.calls == []
        assert [error.row.code for error in edge.reporter.refusals] == [code]
        await client.close()

    run(server, scenario)


def test_refusal_keeps_its_turn(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("PUT", REGISTER, BODY) + b"PUT nonsense\r\n\r\n")
        assert (await client.read_answer()).status == 202
        assert (await client.read_answer()).status == 400
        assert await is_closed(client)
        await client.close()

    run(server, scenario)


def test_another_route_is_misdirected_while_an_answer_is_owed(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        other = request("GET", "/enrollments/dev-1?api-version=2021-10-01")
        await client.send(request("PUT", REGISTER, BODY) + other)
        assert (await client.read_answer()).status == 202
        misdirected = await client.read_answer()
        assert (misdirected.status, misdirected.headers["connection"]) == (421, "close")
        assert await is_closed(client)
        await client.close()

    run(server, scenario)


def test_connection_close_is_obeyed(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("PUT", REGISTER, BODY, connection="close") + b"what follows is not read")
        answer = await client.read_answer()
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await is_closed(client)
        await client.close()

    run(server, scenario)


def test_offer_to_upgrade_is_ignored(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        answer = await client.ask("PUT", REGISTER, BODY, connection="Upgrade", upgrade="websocket")
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await is_closed(client)
        await client.close()

    run(server, scenario)


def test_peer_that_has_said_all_still_gets_its_answer(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        edge.registrations.gate = asyncio.Event()
        client = await edge.connect_plain("plain_http")
        await client.send(request("PUT", REGISTER, BODY))
        await edge.settled(lambda: bool(edge.registrations.calls))
        client.writer.write_eof()
        await asyncio.sleep(0.02)
        edge.registrations.gate.set()
        assert (await client.read_answer()).status == 202
        assert await is_closed(client)
        await client.close()

    run(server, scenario)


def test_reset_while_a_request_is_under_way(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        edge.registrations.gate = asyncio.Event()
        client = await edge.connect_plain("plain_http")
        await client.send(request("PUT", REGISTER, BODY))
        await edge.settled(lambda: bool(edge.registrations.calls))
        client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        edge.registrations.gate.set()

    run(server, scenario)


@pytest.mark.parametrize("begun", [b"", request("PUT", REGISTER, BODY)[:-3], request("PUT", REGISTER)[:60]])
def test_slow_request_and_idle_connection_are_given_up(server: Identity, begun: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.ask("PUT", REGISTER, BODY)
        await client.send(begun)
        assert await is_closed(client)
        await edge.settled(lambda: edge.reporter.closed == [("https", "timeout")])
        await client.close()

    run(server, scenario, limits=HURRIED)


def test_drain_answers_what_was_taken_and_closes_what_is_idle(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        edge.registrations.gate = asyncio.Event()
        busy, idle, reading = [await edge.connect() for _ in range(3)]
        await busy.send(request("PUT", REGISTER, BODY))
        await idle.send(request("GET", "/0ne000A/registrations/dev-1/operations/x?api-version=none"))
        assert (await idle.read_answer()).status == 400
        data = request("PUT", REGISTER, BODY)
        await reading.send(data[:-5])
        await edge.settled(lambda: len(edge.reporter.opened) == 3 and bool(edge.registrations.calls))
        draining = asyncio.ensure_future(edge.listeners.drain(10))
        assert await is_closed(idle)
        await reading.send(data[-5:])
        edge.registrations.gate.set()
        for client in (busy, reading):
            answer = await client.read_answer()
            assert (answer.status, answer.headers["connection"]) == (202, "close")
            assert await is_closed(client)
        await draining
        for client in (busy, idle, reading):
            await client.close()

    run(server, scenario)


def test_while_winding_down_each_connection_gets_one_more_answer(server: Identity) -> None:
    """Also one that has been served, and one that has said nothing yet: closing it could cross with its request."""

    async def scenario(edge: Edge) -> None:
        kept, silent = [await edge.connect() for _ in range(2)]
        first = await kept.ask("PUT", REGISTER, BODY)
        assert (first.status, first.headers.get("connection")) == (202, None)
        winding_down = asyncio.ensure_future(edge.listeners.wind_down(60))
        await edge.settled(lambda: not edge.listeners.is_listening())
        for client in (kept, silent):
            answer = await client.ask("PUT", REGISTER, BODY)
            assert (answer.status, answer.headers["connection"]) == (202, "close")
            assert await is_closed(client)
            await client.close()
        await winding_down

    run(server, scenario)


def test_unexpected_failure_is_a_500_without_a_traceback(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        edge.registrations.refusal = ZeroDivisionError("secret detail")
        client = await edge.connect()
        failed = await client.ask("PUT", REGISTER, BODY)
        assert failed.json["errorCode"] == 500001
        assert b"secret" not in failed.body
        assert edge.reporter.crashes == [edge.registrations.refusal]
        await client.close()

    run(server, scenario)
