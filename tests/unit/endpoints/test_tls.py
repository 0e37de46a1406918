"""The TLS front with real clients: certificates asked for and not judged, hostile peers, how connections end."""

import asyncio
import gc
import itertools
import socket
import ssl
import struct
import time
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.unit.endpoints.edge import HOST, Client, Edge, Identity, Reporter, request, run
from tests.unit.endpoints.memory_tls import client_context, present, shake_hands

from homeport.endpoints import tls
from homeport.endpoints.admission import HandshakeAdmission
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.listeners import EdgeLimits
from homeport.endpoints.overload import OverloadControl
from homeport.endpoints.tls_context import KeyPair, server_context
from homeport.protocols.conversation import CloseConnection, Command, DataReceived, Event, SendData

TINY = EdgeLimits(handshake_timeout=0.05, linger=0.05)
ONE_HANDSHAKE = EdgeLimits(handshakes_per_address=1)


class Echo:
    """Says what it hears; `bye` ends the connection. `heard` counts the bytes."""

    def __init__(self, chain: tuple[bytes, ...] = ()) -> None:
        self.chain = chain
        self.heard = 0

    def receive(self, event: Event) -> list[Command]:
        if not isinstance(event, DataReceived) or not event.data:
            return []
        self.heard += len(event.data)
        if event.data.endswith(b"bye"):
            return [SendData(b"bye"), CloseConnection("done")]
        return [SendData(event.data)]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("presented", ["none", "self-signed", "chained"])
def test_any_client_certificate_is_let_in_and_handed_up(
    server: Identity, self_signed: Identity, chained: Identity, version: ssl.TLSVersion, presented: str
) -> None:
    identity = {"none": None, "self-signed": self_signed, "chained": chained}[presented]
    chains = []

    def conversation(chain: tuple[bytes, ...]) -> Echo:
        chains.append(chain)
        return Echo()

    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt", client=identity, version=version)
        await client.send(b"hello")
        assert await client.reader.readexactly(5) == b"hello"
        assert chains == [identity.chain if identity else ()]
        await client.close()

    run(server, scenario, conversation=conversation)


def test_large_data_both_ways(server: Identity) -> None:
    data = bytes(range(256)) * 8192

    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        client.writer.write(data)
        assert await asyncio.wait_for(client.reader.readexactly(len(data)), 10) == data
        await client.close()

    run(server, scenario, conversation=Echo)


def test_peer_that_does_not_read_is_not_read_either(server: Identity) -> None:
    conversation = Echo()

    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        client.writer.transport.pause_reading()

        async def flood() -> None:
            while True:
                await client.send(b"x" * 65536)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(), 0.5)
        heard = conversation.heard
        await asyncio.sleep(0.05)
        assert conversation.heard == heard
        client.writer.transport.abort()
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    run(server, scenario, conversation=lambda chain: conversation)


def test_server_closes_after_its_last_words_are_read(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        # Unread data at the server's end would turn the close into a reset, and take the answer with it.
        await client.send(b"bye")
        await client.send(b"unread" * 1000)
        assert await client.read_to_end() == b"bye"
        await client.close()
        await edge.settled(lambda: edge.reporter.closed == [("mqtt", "done")])

    run(server, scenario, conversation=Echo)


def test_peer_that_never_ends_a_closed_connection_is_cut_off(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        client.writer.transport.pause_reading()
        await client.send(b"bye")
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        client.writer.transport.abort()

    run(server, scenario, conversation=Echo, limits=TINY)


def test_slow_reader_of_a_long_answer_is_not_cut_off(server: Identity) -> None:
    async def long_answer(_: Request) -> Response:
        return Response(b"x" * 20_000_000, headers={"Connection": "close"})

    def read_slowly(port: int) -> int:
        """With blocking calls: event loops' own TLS clients lose data that comes with the end."""
        context = ssl.create_default_context(cafile=str(server.certificate))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        size = 0
        with context.wrap_socket(socket.create_connection((HOST, port)), server_hostname=HOST) as peer:
            peer.sendall(request("GET", "/long"))
            while data := peer.recv(100_000):
                size += len(data)
                time.sleep(0.0005)
        return size

    async def scenario(edge: Edge) -> None:
        assert await asyncio.to_thread(read_slowly, edge.port) > 20_000_000

    run(server, scenario, routes=[Route("/long", long_answer)], limits=EdgeLimits(linger=0.1))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "not_tls", id="plain HTTP"),
        pytest.param(b"\x10\x20\x00\x04MQTT\x04\x02\x00\x3c\x00\x00" * 4, "not_tls", id="plain MQTT"),
        pytest.param(bytes(range(256)) * 64, "not_tls", id="garbage"),
        pytest.param(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "tls_error", id="broken ClientHello"),
    ],
)
def test_what_is_no_tls_is_closed(server: Identity, sent: bytes, reason: str) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect_plain()
        await client.send(sent)
        assert b"HTTP" not in await client.read_to_end()
        assert edge.reporter.failed_handshakes == [reason]
        assert edge.reporter.opened == []
        await client.close()

    run(server, scenario)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
def test_slow_handshake_is_given_up(server: Identity, sent: bytes) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect_plain()
        await client.send(sent)
        assert await client.read_to_end() == b""
        assert edge.reporter.failed_handshakes == ["timeout"]
        await client.close()

    run(server, scenario, limits=TINY)


@pytest.mark.parametrize("reset", [False, True])
def test_peer_that_leaves_during_the_handshake(server: Identity, reset: bool) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect_plain()
        await edge.settled(lambda: edge.listeners.open_connections == 1)
        abandon(client, reset=reset)
        await edge.settled(lambda: edge.reporter.failed_handshakes == ["disconnected"])

    run(server, scenario)


def test_handshakes_of_one_address_are_bounded(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        waiting = await edge.connect_plain()
        await edge.settled(lambda: edge.listeners.open_connections == 1)
        refused = await edge.connect_plain()
        assert await refused.read_to_end() == b""
        assert edge.reporter.failed_handshakes == ["too_many_handshakes"]
        await waiting.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        admitted = await edge.connect("mqtt")
        for client in (refused, admitted):
            await client.close()

    run(server, scenario, conversation=Echo, limits=ONE_HANDSHAKE)


def test_connections_are_bounded(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        first = await edge.connect("mqtt")
        for listener in ("mqtt", "plain_http"):
            refused = await edge.connect_plain(listener)
            assert await refused.read_to_end() == b""
            await refused.close()
        assert edge.reporter.failed_handshakes == ["too_many_connections"]
        await first.close()

    run(server, scenario, conversation=Echo, limits=EdgeLimits(connections=1))


@pytest.mark.parametrize("reset", [False, True])
def test_peer_that_leaves_without_a_word(server: Identity, reset: bool) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await edge.settled(lambda: edge.reporter.opened == ["mqtt"])
        abandon(client, reset=reset)
        await edge.settled(lambda: edge.reporter.closed == [("mqtt", "peer")])

    run(server, scenario, conversation=Echo)


def test_garbage_after_the_handshake_ends_the_connection(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await edge.settled(lambda: edge.reporter.opened == ["mqtt"])
        raw = socket.socket(fileno=socket.dup(client.writer.get_extra_info("socket").fileno()))
        raw.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        raw.close()
        await edge.settled(lambda: len(edge.reporter.closed) == 1)
        client.writer.transport.abort()

    run(server, scenario, conversation=Echo)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param([], id="each record alone"),
        pytest.param([3], id="within a header"),
        pytest.param([5], id="behind a header"),
        pytest.param([40], id="within a record"),
        pytest.param([2, 4, 6, 8, 50, 51], id="in crumbs"),
    ],
)
@pytest.mark.parametrize("together", [1, 2, 5])
def test_records_arrive_however_they_are_cut(
    server: Identity, version: ssl.TLSVersion, cuts: list[int], together: int
) -> None:
    """Whole records, several in one piece, pieces of one: all that was sent is heard, also what follows."""
    said = [b"%03d " % number * 20 for number in range(10)]

    async def scenario(edge: Edge) -> None:
        peer = await RawTls.open(edge, version)
        for first in range(0, len(said), together):
            await peer.send(said[first : first + together], cuts)
        assert await peer.hear(len(b"".join(said))) == b"".join(said)
        peer.client.writer.transport.abort()

    run(server, scenario, conversation=Echo)


def test_what_is_one_record_and_what_ends_with_one() -> None:
    """Ciphertext hardly ever looks like a header by chance; these pieces do."""
    record = b"\x17\x03\x03\x00\x02ab"
    assert [tls._is_one_record(piece) for piece in (record, record + record, record[:-1], record[:4], b"")] == [
        True,
        *[False] * 4,
    ]
    pieces = (record, record * 3, record + record[:3], record + record[:6], b"ab" + record)
    assert [tls._ends_with_a_record(piece) for piece in pieces] == [True, True, False, False, False]


class RawTls:
    """A client that decides itself which bytes go into one segment."""

    def __init__(
        self, client: Client, tls_object: ssl.SSLObject, inward: ssl.MemoryBIO, outward: ssl.MemoryBIO
    ) -> None:
        self.client, self.tls, self.inward, self.outward = client, tls_object, inward, outward

    @classmethod
    async def open(cls, edge: Edge, version: ssl.TLSVersion) -> "RawTls":
        context = ssl.create_default_context(cafile=str(edge.server.certificate))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.minimum_version = context.maximum_version = version
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls_object = context.wrap_bio(inward, outward, server_hostname=HOST)
        peer = cls(await edge.connect_plain("mqtt"), tls_object, inward, outward)
        while True:
            try:
                tls_object.do_handshake()
            except ssl.SSLWantReadError:
                await peer._flush([])
                await peer._fetch()
            else:
                await peer._flush([])
                return peer

    async def send(self, records: list[bytes], cuts: list[int]) -> None:
        for record in records:
            self.tls.write(record)
        await self._flush(cuts)

    async def hear(self, size: int) -> bytes:
        heard = b""
        while len(heard) < size:
            try:
                heard += self.tls.read(65_536)
            except ssl.SSLWantReadError:
                await self._fetch()
        return heard

    async def _flush(self, cuts: list[int]) -> None:
        data = self.outward.read()
        for start, end in itertools.pairwise([0, *(cut for cut in cuts if cut < len(data)), len(data)]):
            await self.client.send(data[start:end])
            # Without a pause the kernel joins the pieces again before the server reads.
            await asyncio.sleep(0.002)

    async def _fetch(self) -> None:
        async with asyncio.timeout(10):
            data = await self.client.reader.read(65_536)
        assert data, "the server has ended the connection"
        self.inward.write(data)


def test_many_connections_at_once(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        async def one(number: int) -> None:
            client = await edge.connect("mqtt")
            await client.send(b"%d" % number)
            assert await client.reader.readexactly(len(b"%d" % number)) == b"%d" % number
            await client.close()

        await asyncio.gather(*(one(number) for number in range(100)))
        await edge.settled(lambda: edge.listeners.open_connections == 0)

    run(server, scenario, conversation=Echo)


def test_nothing_is_left_to_the_collector(server: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[weakref.ref[tls.SSL.Connection]] = []
    make = tls.SSL.Connection

    def noted(*arguments: object) -> tls.SSL.Connection:
        connection = make(*arguments)
        connections.append(weakref.ref(connection))
        return connection

    monkeypatch.setattr(tls.SSL, "Connection", noted)

    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await client.send(b"bye")
        await client.read_to_end()
        await client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        await asyncio.sleep(0.01)
        assert [connection() for connection in connections] == [None]

    gc.collect()
    gc.disable()
    try:
        run(server, scenario, conversation=Echo)
    finally:
        gc.enable()


def abandon(client: Client, *, reset: bool) -> None:
    """Leave without the protocol's farewell: by a reset, or by the end of the stream."""
    peer = client.writer.get_extra_info("socket")
    if reset:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


def test_old_tls_is_refused(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        context = ssl.create_default_context(cafile=str(server.certificate))
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection(HOST, edge.port, ssl=context, server_hostname=HOST)
        await edge.settled(lambda: edge.reporter.failed_handshakes == ["version_not_offered"])

    run(server, scenario)


def test_certificate_that_only_openssl_can_read_is_handed_up_too(
    server: Identity, self_signed: Identity, tmp_path: Path
) -> None:
    """A version that X.509 does not have: what to think of it is attestation's business."""
    version = bytes.fromhex("a003020102")
    odd = self_signed.chain[0].replace(version, version[:-1] + b"\x05", 1)
    client = present(client_context(), [odd], self_signed.key.read_text(), tmp_path)
    shaken = shake_hands(server_context([KeyPair(server.certificate, server.key)]), client)
    assert tls.client_chain(shaken.server) == (odd,)


def test_a_client_without_our_ca_is_told_apart(server: Identity, self_signed: Identity) -> None:
    """The most common mistake of all; only the server's log is where somebody looks."""

    def connect_without_trust(port: int) -> None:
        """With blocking calls: asyncio drops the alert with the connection."""
        stranger = ssl.create_default_context(cafile=str(self_signed.certificate))
        with socket.create_connection((HOST, port)) as peer, pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(peer, server_hostname=HOST)

    async def scenario(edge: Edge) -> None:
        await asyncio.to_thread(connect_without_trust, edge.port)
        await edge.settled(lambda: edge.reporter.failed_handshakes == ["server_certificate_rejected"])
        assert edge.reporter.failed_networks == ["loopback"]

    run(server, scenario)


# --- handshakes that are put off ------------------------------------------------------------------------------


class Overloaded:
    """A front that does one handshake at a time, on a port of its own."""

    def __init__(self, server: Identity, *, timeout: float = 10.0) -> None:
        context = server_context([KeyPair(server.certificate, server.key)])
        self.server = server
        self.reporter = Reporter()
        self.connections = OpenConnections(100)
        self.admission = HandshakeAdmission(total=100, per_address=100)
        self.front = tls.TlsFront(
            lambda: context,
            admission=self.admission,
            connections=self.connections,
            reporter=self.reporter,
            handshake_timeout=timeout,
            linger=0.2,
            control=OverloadControl(target=0.05, most=1),
        )

    async def __aenter__(self) -> "Overloaded":
        loop = asyncio.get_running_loop()
        self.listening = await loop.create_server(self.front.carrying(SayHello), HOST, 0)
        self.port = self.listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listening.close()
        await self.connections.drain(1)
        assert (self.admission.pending, self.front.queue.under_way, len(self.front.queue)) == (0, 0, 0)

    async def silent(self) -> Client:
        """A peer that connects and says nothing."""
        return Client(*await asyncio.open_connection(HOST, self.port))

    async def hello(self) -> bytes:
        """A peer that shakes hands, and what it is told."""
        context = ssl.create_default_context(cafile=str(self.server.certificate))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        reader, writer = await asyncio.open_connection(HOST, self.port, ssl=context, server_hostname=HOST)
        said = await reader.readline()
        writer.close()
        return said

    async def waiting(self, number: int) -> None:
        """Until so many wait."""
        async with asyncio.timeout(10):
            while len(self.front.queue) != number:  # noqa: ASYNC110 (the queue has no event for the test's sake)
                await asyncio.sleep(0.005)


class SayHello(asyncio.Protocol):
    """Says hello and drains at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(b"hello\n")  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        pass

    def drain(self) -> None:
        self.transport.close()

    abort = drain


@pytest.mark.parametrize("runner", [uvloop.run, asyncio.run])
def test_whoever_comes_while_there_is_too_much_to_do_waits(
    server: Identity, runner: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def scenario() -> None:
        async with Overloaded(server) as overloaded:
            first = await overloaded.silent()
            late = [asyncio.ensure_future(overloaded.hello()) for _ in range(5)]
            await overloaded.waiting(5)
            assert overloaded.reporter.put_off == 5
            assert not any(each.done() for each in late)
            await first.close()
            assert await asyncio.gather(*late) == [b"hello\n"] * 5

    runner(scenario())


def test_nobody_waits_longer_than_a_handshake_may_take(server: Identity) -> None:
    async def scenario() -> None:
        async with Overloaded(server, timeout=0.2) as overloaded:
            first, second = await overloaded.silent(), await overloaded.silent()
            assert await first.read_to_end() == b""
            assert await second.read_to_end() == b""
            assert overloaded.reporter.failed_handshakes == ["timeout", "timeout"]
            await first.close()
            await second.close()

    uvloop.run(scenario())


def test_whoever_has_waited_has_his_full_time(server: Identity) -> None:
    async def scenario() -> None:
        async with Overloaded(server, timeout=2.0) as overloaded:
            first = await overloaded.silent()
            late = asyncio.ensure_future(overloaded.hello())
            await overloaded.waiting(1)
            await asyncio.sleep(1.0)
            abandon(first, reset=True)
            assert await late == b"hello\n"

    uvloop.run(scenario())
