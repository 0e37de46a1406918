"""Whose header is believed, and what becomes of a connection that has none."""

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_network
from typing import Any

import pytest
import uvloop
from tests.unit.endpoints.edge import HOST, Reporter

from homeport.endpoints.connections import peer_address
from homeport.endpoints.proxied import TrustedProxies

PROXY, STRANGER = "127.0.0.7", "127.0.0.8"
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
Run = Callable[[Coroutine[Any, Any, None]], None]


class TellAddress(asyncio.Protocol):
    """Says whom it speaks with, then repeats what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(f"{peer_address(transport)}\n".encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]


class Front:
    """A listener that trusts one proxy."""

    def __init__(self, *, most: int = 10, timeout: float = 10.0) -> None:
        self.reporter = Reporter()
        self.proxies = TrustedProxies([ip_network(PROXY)], most=most, reporter=self.reporter, timeout=timeout)

    async def __aenter__(self) -> "Front":
        loop = asyncio.get_running_loop()
        self.listening = await loop.create_server(self.proxies.passing_on(TellAddress), HOST, 0)
        self.port = self.listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listening.close()
        assert len(self.proxies.waiting) == 0

    async def said_to(self, address: str, *pieces: bytes) -> bytes:
        """All that a peer at that address is told."""
        reader, writer = await asyncio.open_connection(HOST, self.port, local_addr=(address, 0))
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.01)
            writer.write_eof()
            return await reader.read()
        except OSError:  # refused, and gone
            return b""
        finally:
            writer.close()


@pytest.fixture(params=[uvloop.run, asyncio.run])
def run(request: pytest.FixtureRequest) -> Run:
    runner: Run = request.param
    return runner


def test_a_peer_that_is_passed_on_has_its_own_address(run: Run) -> None:
    async def scenario() -> None:
        async with Front() as front:
            assert await front.said_to(PROXY, HEADER) == b"192.0.2.7\n"
            assert await front.said_to(PROXY, HEADER + b"hello") == b"192.0.2.7\nhello"
            assert await front.said_to(PROXY, HEADER[:9], HEADER[9:] + b"hel", b"lo") == b"192.0.2.7\nhello"

    run(scenario())


def test_a_proxy_that_speaks_for_itself_keeps_its_address(run: Run) -> None:
    async def scenario() -> None:
        async with Front() as front:
            assert await front.said_to(PROXY, b"PROXY UNKNOWN\r\n") == f"{PROXY}\n".encode()

    run(scenario())


def test_a_strangers_header_is_only_bytes(run: Run) -> None:
    async def scenario() -> None:
        async with Front() as front:
            assert await front.said_to(STRANGER, HEADER) == f"{STRANGER}\n".encode() + HEADER

    run(scenario())


def test_a_trusted_proxy_must_name_its_peers(run: Run) -> None:
    async def scenario() -> None:
        async with Front() as front:
            assert await front.said_to(PROXY, b"\x16\x03\x01 hello") == b""
            assert front.reporter.failed_handshakes == ["no_proxy_header"]

    run(scenario())


def test_a_header_that_does_not_come_is_not_waited_for_for_ever(run: Run) -> None:
    async def scenario() -> None:
        async with Front(timeout=0.05) as front:
            reader, writer = await asyncio.open_connection(HOST, front.port, local_addr=(PROXY, 0))
            writer.write(HEADER[:9])
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            assert front.reporter.failed_handshakes == ["timeout"]
            writer.close()

    run(scenario())


def test_only_so_many_may_wait_for_their_header(run: Run) -> None:
    async def scenario() -> None:
        async with Front(most=0) as front:
            assert await front.said_to(PROXY, HEADER) == b""
            assert front.reporter.failed_handshakes == ["too_many_handshakes"]

    run(scenario())


def test_without_proxies_nothing_stands_between() -> None:
    proxies = TrustedProxies([], most=1, reporter=Reporter(), timeout=1.0)
    assert proxies.passing_on(TellAddress) is TellAddress
