"""Which port speaks what; start, drain, stop.

    443   TLS, then HTTP: the device API or the web application, by the first bytes; or a stream over a WebSocket
    8883  TLS, then MQTT
    5671  TLS, then AMQP
    ----  plain HTTP on loopback, if asked for: the same as 443 behind a trusted front, and for benchmarks

`build_listeners` composes the edge from what is behind it; nothing else knows all of its parts. Counterpart:
`listening_sockets.py`, which binds.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from OpenSSL import SSL
from starlette.routing import BaseRoute

from homeport.endpoints.accept_queue import AcceptQueue
from homeport.endpoints.accepting import Acceptor, ProtocolFactory
from homeport.endpoints.admission import HandshakeAdmission
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.device_http import DeviceHttp
from homeport.endpoints.first_bytes import FirstBytes
from homeport.endpoints.listening_sockets import BoundSockets, ports_of
from homeport.endpoints.overload import OverloadControl
from homeport.endpoints.overload_watch import OverloadWatch
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.proxied import Networks, TrustedProxies
from homeport.endpoints.streams import ConversationFactory, Streams
from homeport.endpoints.tls import TlsFront
from homeport.endpoints.web import Web
from homeport.endpoints.web_application import WebApplication
from homeport.endpoints.websocket import WebSockets
from homeport.protocols.conversation import Transport

# Of the event loop, until what has just been accepted is a connection.
_TURNS = 3
_WITHOUT_TLS = "plain_http"


class EdgeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much and how long a peer may; times in seconds."""

    connections: int = 20_000
    target_lag: float = 0.05
    handshakes: int = 2_000
    handshakes_per_address: int = 1_000
    handshake_timeout: float = 15.0
    first_bytes_timeout: float = 15.0
    request_timeout: float = 30.0
    idle_timeout: float = 75.0
    linger: float = 5.0
    backlog: int = 1_024


class Conversations(msgspec.Struct, frozen=True, kw_only=True):
    """Who converses in the protocols that are streams of bytes."""

    mqtt: ConversationFactory
    amqp: ConversationFactory


class Listeners:
    """Who speaks on the listening sockets of the process, and the connections that they accepted."""

    def __init__(
        self,
        protocols: Mapping[str, ProtocolFactory],
        *,
        connections: OpenConnections,
        backlog: int,
    ) -> None:
        """`protocols` makes the protocol of a connection, by the name of its listener."""
        self._protocols = protocols
        self._connections = connections
        self.acceptor = Acceptor(backlog=backlog)
        self.watch: OverloadWatch | None = None
        self._ports: dict[str, int] = {}

    @property
    def ports(self) -> dict[str, int]:
        """The port of each listener by its name: `https`, `mqtt`, `amqp`, `plain_http`."""
        return dict(self._ports)

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def is_listening(self) -> bool:
        """Whether connections are accepted."""
        return self.acceptor.is_open

    async def start(self, sockets: BoundSockets) -> None:
        """Accept connections from these sockets; `drain` closes them."""
        for name, bound in sockets.items():
            for each in bound:
                await self.acceptor.start(self._protocols[name], each)
        if self.watch is not None:
            self.watch.start()
        self._ports = ports_of(sockets)

    async def wind_down(self, seconds: float) -> None:
        """Accept no more; let each peer finish what it is at. Another process accepts from the same sockets."""
        self.acceptor.close()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        await self._connections.wind_down(seconds)

    async def drain(self, seconds: float) -> None:
        """Accept no more; let each connection finish what it has; abort what is left after `seconds`."""
        self.acceptor.close()
        await self._connections.drain(seconds)
        if self.watch is not None:
            self.watch.stop()


def build_listeners(
    services: EdgeServices,
    routes: Sequence[BaseRoute],
    *,
    tls_context: Callable[[], SSL.Context],
    conversations: Conversations,
    limits: EdgeLimits,
    trusted_proxies: Networks = (),
) -> Listeners:
    """The edge, composed and not yet listening. `routes` are those of the web application, tried in order; each
    connection of `trusted_proxies` begins with the PROXY protocol's header."""
    connections = OpenConnections(limits.connections)
    control = OverloadControl(target=limits.target_lag, most=limits.handshakes)
    # Without a target there is no overload, here as there.
    accept_queue = AcceptQueue(most=limits.backlog, fewest=32 if limits.target_lag else limits.backlog)
    front = TlsFront(
        tls_context,
        admission=HandshakeAdmission(total=limits.handshakes, per_address=limits.handshakes_per_address),
        connections=connections,
        reporter=services.reporter,
        handshake_timeout=limits.handshake_timeout,
        linger=limits.linger,
        control=control,
    )
    proxies = TrustedProxies(
        trusted_proxies, most=limits.handshakes, reporter=services.reporter, timeout=limits.handshake_timeout
    )
    protocols = {
        name: protocol if name == _WITHOUT_TLS else proxies.passing_on(protocol)
        for name, protocol in _protocols(
            services, routes, front=front, conversations=conversations, limits=limits
        ).items()
    }
    listeners = Listeners(protocols, connections=connections, backlog=limits.backlog)
    listeners.watch = OverloadWatch(
        control,
        accept_queue,
        acceptor=listeners.acceptor,
        connections=connections,
        queue=front.queue,
        throttle=services.throttle,
        reporter=services.reporter,
        clock=services.clock,
    )
    front.queue.pause_accepting = listeners.acceptor.pause
    front.queue.resume_accepting = listeners.acceptor.resume
    return listeners


def _protocols(
    services: EdgeServices,
    routes: Sequence[BaseRoute],
    *,
    front: TlsFront,
    conversations: Conversations,
    limits: EdgeLimits,
) -> dict[str, ProtocolFactory]:
    """Who speaks on each listener."""
    connections = front.connections

    def streams(conversation: ConversationFactory, transport: Transport) -> Streams:
        return Streams(conversation, services, transport=transport, connections=connections)

    mqtt = streams(conversations.mqtt, Transport.MQTT)
    amqp = streams(conversations.amqp, Transport.AMQP)
    websockets = WebSockets(
        {
            "mqtt": streams(conversations.mqtt, Transport.MQTT_WS),
            "amqpwsb10": streams(conversations.amqp, Transport.AMQP_WS),
        },
        connections=connections,
        linger=limits.linger,
    )
    http = _http(services, routes, websockets=websockets, limits=limits)
    return {
        "https": front.carrying(http.connection),
        "mqtt": front.carrying(mqtt.connection),
        "amqp": front.carrying(amqp.connection),
        _WITHOUT_TLS: http.plain_connection,
    }


def _http(
    services: EdgeServices, routes: Sequence[BaseRoute], *, websockets: WebSockets, limits: EdgeLimits
) -> FirstBytes:
    """Both halves of port 443, and the choice between them."""
    connections = websockets.connections
    device = DeviceHttp(
        services,
        connections=connections,
        request_timeout=limits.request_timeout,
        idle_timeout=limits.idle_timeout,
    )
    web = Web(
        WebApplication(routes, services),
        services,
        connections=connections,
        websockets=websockets,
        request_timeout=limits.request_timeout,
        idle_timeout=limits.idle_timeout,
    )
    first_bytes = FirstBytes(
        device=device.connection,
        web=web.connection,
        connections=connections,
        timeout=limits.first_bytes_timeout,
    )
    device.change_over = web.change_over = first_bytes.change_over
    return first_bytes
