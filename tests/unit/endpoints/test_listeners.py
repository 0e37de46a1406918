"""Ports: opened all or none, drained once."""

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from tests.unit.endpoints.edge import HOST, Edge, Identity, run

from homeport.endpoints import listeners as module
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.listeners import Listener, Listeners


def listeners(*entries: Listener, share_ports: bool = False) -> Listeners:
    return Listeners(entries, connections=OpenConnections(10), backlog=10, share_ports=share_ports)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def test_free_ports_are_taken_and_named() -> None:
    async def scenario() -> None:
        both = listeners(
            Listener("https", [HOST, "127.0.0.2"], 0, asyncio.Protocol), Listener("mqtt", [HOST], 0, asyncio.Protocol)
        )
        assert not both.is_listening()
        await both.start()
        assert both.is_listening()
        assert set(both.ports) == {"https", "mqtt"}
        for address in (HOST, "127.0.0.2"):
            _, writer = await asyncio.open_connection(address, both.ports["https"])
            writer.close()
        await both.drain(1)
        assert not both.is_listening()
        assert is_free(both.ports["https"])

    asyncio.run(scenario())


def test_port_in_use_is_named_and_nothing_stays_open() -> None:
    async def scenario() -> None:
        taken = socket.create_server((HOST, 0))
        port = taken.getsockname()[1]
        both = listeners(
            Listener("https", [HOST], 0, asyncio.Protocol),
            Listener("mqtt", ["127.0.0.2", HOST], port, asyncio.Protocol),
        )
        with pytest.raises(OSError, match=f"cannot listen on {HOST} port {port}") as refusal:
            await both.start()
        assert refusal.value.errno == errno.EADDRINUSE
        assert not both.is_listening()
        assert is_free(both.ports["https"])
        taken.close()

    asyncio.run(scenario())


def test_ports_may_be_shared_by_workers() -> None:
    async def scenario() -> None:
        first = listeners(Listener("https", [HOST], 0, asyncio.Protocol), share_ports=True)
        await first.start()
        second = listeners(Listener("https", [HOST], first.ports["https"], asyncio.Protocol), share_ports=True)
        await second.start()
        await first.drain(1)
        await second.drain(1)

    asyncio.run(scenario())


def test_machine_without_ipv6_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    listening_socket = module._listening_socket

    def without_ipv6(address: str, port: int, *, share: bool) -> socket.socket:
        if ":" in address:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return listening_socket(address, port, share=share)

    monkeypatch.setattr(module, "_listening_socket", without_ipv6)

    async def scenario() -> None:
        default = listeners(Listener("https", [HOST, "::1"], 0, asyncio.Protocol))
        await default.start()
        await default.drain(1)
        with pytest.raises(OSError, match="no IPv6"):
            await listeners(Listener("https", ["::1"], 0, asyncio.Protocol)).start()

    asyncio.run(scenario())


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


def test_new_connections_are_refused_while_draining(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        port = edge.port
        await edge.listeners.drain(1)
        with pytest.raises(OSError):
            await asyncio.open_connection(HOST, port)

    run(server, scenario)
