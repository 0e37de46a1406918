"""The choice by the first bytes."""

import pytest
from tests.unit.endpoints.edge import Edge, Identity, request, run

from homeport.endpoints.first_bytes import speaks_device_api
from homeport.endpoints.listeners import EdgeLimits


@pytest.mark.parametrize(
    ("data", "choice"),
    [
        (b"PUT /0ne1/registrations/dev-1/register HTTP/1.1\r\n", True),
        (b"GET /0ne1/Registrations/dev-1/operations/1", True),
        (b"POST /0ne1/registrations/", True),
        (b"DELETE /0ne1/registrations/dev-1", True),
        (b"GET /%30ne1/registrations/dev-1", True),
        (b"GET /enrollments/registrations/x HTTP/1.1\r\n", False),
        (b"GET /enrollmentGroups/registrations/x HTTP/1.1\r\n", False),
        (b"GET /registrations/registrations/x HTTP/1.1\r\n", False),
        (b"GET /devices/registrations/x HTTP/1.1\r\n", False),
        (b"GET /twins/registrations/x HTTP/1.1\r\n", False),
        (b"GET /registrations/dev-1 HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET /0ne1/registrations HTTP/1.1\r\n", False),
        (b"\r\n", False),
        (b"x" * 512, False),
        (b"", None),
        (b"GET", None),
        (b"GET /0ne1/registrations", None),
        (b"GET /enrollments/dev", None),
    ],
)
def test_speaks_device_api(data: bytes, choice: bool | None) -> None:
    assert speaks_device_api(data) is choice


@pytest.mark.parametrize("listener", ["https", "plain_http"])
def test_each_half_gets_its_connections(server: Identity, listener: str) -> None:
    async def scenario(edge: Edge) -> None:
        for target, status in (("/0ne1/registrations/dev-1?api-version=2021-06-01", 200), ("/nowhere", 404)):
            client = await (edge.connect() if listener == "https" else edge.connect_plain(listener))
            data = request("POST", target)
            for start in range(0, len(data), 5):
                await client.send(data[start : start + 5])
            assert (await client.read_answer()).status == status
            await client.close()
        assert len(edge.registrations.calls) == 1

    run(server, scenario)


@pytest.mark.parametrize("listener", ["https", "plain_http"])
@pytest.mark.parametrize("sent", [b"", b"GET /0ne1/regis"])
def test_slow_first_bytes_are_given_up(server: Identity, listener: str, sent: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        client = await (edge.connect() if listener == "https" else edge.connect_plain(listener))
        await client.send(sent)
        assert await client.read_to_end() == b""
        await client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    run(server, scenario, limits=EdgeLimits(first_bytes_timeout=0.05))


@pytest.mark.parametrize("listener", ["https", "plain_http"])
def test_an_idle_connection_changes_over_as_often_as_it_is_asked(server: Identity, listener: str) -> None:
    async def scenario(edge: Edge) -> None:
        client = await (edge.connect() if listener == "https" else edge.connect_plain(listener))
        device, other = "/0ne1/registrations/dev-1?api-version=2021-06-01", "/nowhere"
        for target, status in 3 * [(device, 200), (other, 404), (other, 404), (device, 200)]:
            assert (await client.ask("POST", target)).status == status
        assert edge.listeners.open_connections == 1
        await client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        assert len(edge.reporter.opened) == len(edge.reporter.closed)

    run(server, scenario)
