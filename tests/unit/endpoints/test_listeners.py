"""Who speaks on which port; accepting, and the end of it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from tests.unit.endpoints.edge import HOST, Edge, Identity, run

from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.listeners import Listeners
from homeport.endpoints.listening_sockets import Ports, bind


def test_connections_are_accepted_until_the_drain() -> None:
    async def scenario() -> None:
        sockets = bind([HOST, "127.0.0.2"], Ports(https=0, mqtt=0, amqp=None))
        both = Listeners(
            {"https": asyncio.Protocol, "mqtt": asyncio.Protocol}, connections=OpenConnections(10), backlog=10
        )
        assert not both.is_listening()
        await both.start(sockets)
        assert both.is_listening()
        assert set(both.ports) == {"https", "mqtt"}
        for address in (HOST, "127.0.0.2"):
            _, writer = await asyncio.open_connection(address, both.ports["https"])
            writer.close()
        await both.drain(1)
        assert not both.is_listening()
        with pytest.raises(OSError):
            await asyncio.open_connection(HOST, both.ports["https"])

    asyncio.run(scenario())


@pytest.mark.parametrize("runner", [uvloop.run, asyncio.run])
def test_a_socket_that_another_process_holds_too_lives_on(runner: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    """The one that drains closes its own half only: what knocks from then on waits for the other."""

    async def scenario() -> None:
        sockets = bind([HOST], Ports(https=0, mqtt=None, amqp=None))
        (held,) = [each.dup() for each in sockets["https"]]
        leaving = Listeners({"https": asyncio.Protocol}, connections=OpenConnections(10), backlog=10)
        await leaving.start(sockets)
        await leaving.drain(1)
        _, writer = await asyncio.open_connection(HOST, leaving.ports["https"])
        relief = Listeners({"https": lambda: Greeter()}, connections=OpenConnections(10), backlog=10)
        await relief.start({"https": [held]})
        reader, other = await asyncio.open_connection(HOST, relief.ports["https"])
        assert await reader.readline() == b"hello\n"
        for each in (writer, other):
            each.close()
        await relief.drain(1)

    runner(scenario())


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(b"hello\n")  # type: ignore[attr-defined]


@pytest.mark.parametrize("runner", [uvloop.run, asyncio.run])
def test_what_each_port_speaks(server: Identity, runner: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def scenario(edge: Edge) -> None:
        assert set(edge.listeners.ports) == {"https", "mqtt", "amqp", "plain_http"}
        device = await edge.connect("https")
        assert (await device.ask("POST", "/0ne1/registrations/dev-1?api-version=2021-06-01")).status == 200
        web = await edge.connect("https")
        assert (await web.ask("GET", "/nowhere")).status == 404
        plain = await edge.connect_plain("plain_http")
        assert (await plain.ask("GET", "/nowhere")).status == 404
        mqtt = await edge.connect("mqtt")
        await edge.settled(lambda: edge.reporter.opened == ["https", "https", "https", "mqtt"])
        assert edge.listeners.open_connections == 4
        for client in (device, web, plain, mqtt):
            await client.close()

    run(server, scenario, runner=runner)


def test_what_was_accepted_before_the_winding_down_is_served(server: Identity) -> None:
    """Its handshake, its first bytes and its answer are all still to come."""

    async def scenario(edge: Edge) -> None:
        plain = await edge.connect_plain("plain_http")
        begun = asyncio.ensure_future(edge.connect("https"))
        await edge.settled(lambda: edge.listeners.open_connections == 2)
        winding_down = asyncio.ensure_future(edge.listeners.wind_down(60))
        await edge.settled(lambda: not edge.listeners.is_listening())
        for client in (plain, await begun):
            assert (await client.ask("GET", "/nowhere")).headers["connection"] == "close"
            await client.close()
        await winding_down

    run(server, scenario)


def test_new_connections_are_refused_while_draining(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        port = edge.port
        await edge.listeners.drain(1)
        with pytest.raises(OSError):
            await asyncio.open_connection(HOST, port)

    run(server, scenario)
