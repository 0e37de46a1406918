"""The web application's boundary: limits, routing errors and failures, all in one shape."""

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.unit.endpoints.edge import Client, Edge, Identity, request, run

from homeport import errors
from homeport.endpoints.web_application import MAX_BODY
from homeport.errors import HomeportError
from homeport.storage.port import StorageUnavailable

FAILURES = {
    "conflict": HomeportError(errors.ALREADY_EXISTS, "It is there.", info={"field": "id"}),
    "throttled": HomeportError(errors.THROTTLED, retry_after=9),
    "storage": StorageUnavailable("disk full at /secret/path"),
    "crash": ZeroDivisionError("secret"),
}


async def fail(got: Request) -> Response:
    raise FAILURES[got.path_params["how"]]


async def read(got: Request) -> Response:
    return Response(b"%d" % len(await got.body()), headers={"X-Seen": got.state.correlation_id})


async def fail_late(got: Request) -> Response:
    class Broken(Response):
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})  # type: ignore[operator]
            raise ZeroDivisionError("too late")

    return Broken()


ROUTES = [
    Route("/fail/{how}", fail),
    Route("/read", read, methods=["POST"]),
    Route("/late", fail_late),
]


async def is_closed(client: Client) -> bool:
    return await client.read_to_end() == b""


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/fail/conflict", 409201),
        ("GET", "/fail/throttled", 429001),
        ("GET", "/fail/storage", 503001),
        ("GET", "/fail/crash", 500001),
        ("GET", "/nowhere", 404000),
        ("GET", "/read/", 404000),
        ("DELETE", "/read", 405000),
    ],
)
def test_one_shape_of_every_error(server: Identity, method: str, path: str, code: int) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        refused = await client.ask(method, path)
        assert refused.status == code // 1000
        assert refused.headers["content-type"] == "application/json; charset=utf-8"
        assert refused.headers["x-ms-error-code"] == str(code)
        assert refused.json["errorCode"] == code
        assert refused.json["trackingId"] == refused.headers["x-ms-request-id"]
        assert b"secret" not in refused.body
        assert (await client.ask("POST", "/read", b"12")).body == b"2"  # the connection lives on
        assert [error.row.code for error in edge.reporter.refusals] == ([] if code == 500001 else [code])
        assert edge.reporter.crashes == ([FAILURES["crash"]] if code == 500001 else [])
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_headers_that_say_more(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        assert (await client.ask("GET", "/fail/throttled")).headers["retry-after"] == "9"
        assert (await client.ask("GET", "/fail/storage")).headers["retry-after"] == "5"
        assert (await client.ask("GET", "/read")).headers["allow"] == "POST"
        assert (await client.ask("GET", "/fail/conflict")).json["info"] == {"field": "id"}
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_request_id_is_the_correlation_id(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        answers = [await client.ask("POST", "/read", b"{}") for _ in range(2)]
        assert all(answer.headers["x-seen"] == answer.headers["x-ms-request-id"] for answer in answers)
        assert answers[0].headers["x-seen"] != answers[1].headers["x-seen"]
        await client.close()

    run(server, scenario, routes=ROUTES)


@pytest.mark.parametrize("announced", [True, False])
def test_large_body_is_refused(server: Identity, announced: bool) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        if announced:
            await client.send(request("POST", "/read", content_length=str(MAX_BODY + 1)))
        else:
            piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            await client.send(request("POST", "/read", transfer_encoding="chunked") + piece * 9)
        refused = await client.read_answer()
        assert (refused.status, refused.headers["connection"]) == (413, "close")
        assert await is_closed(client)
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_largest_body_is_taken(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        answer = await client.ask("POST", "/read", b"x" * MAX_BODY)
        assert answer.body == b"%d" % MAX_BODY
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_metrics_name_the_route_and_not_the_path(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.ask("GET", "/fail/conflict")
        await client.ask("GET", "/some/personal/name")
        assert edge.reporter.served == [("fail", 409), ("unrouted", 404)]
        await client.close()

    run(server, scenario, routes=ROUTES)


def test_failure_after_the_answer_began_ends_the_connection(server: Identity, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("GET", "/late"))
        assert (await client.read_to_end()).endswith(b"\r\n\r\n")
        assert [type(error) for error in edge.reporter.crashes] == [ZeroDivisionError]
        await client.close()

    run(server, scenario, routes=ROUTES)
    assert caplog.records == []


def test_peer_that_leaves_during_its_body_is_no_error(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        await client.send(request("POST", "/read", b"12345")[:-1])
        await edge.settled(lambda: edge.reporter.opened == ["https"])
        client.writer.transport.abort()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        assert edge.reporter.crashes == edge.reporter.refusals == []

    run(server, scenario, routes=ROUTES)
