"""Which port speaks what; start, drain, stop.

    443   TLS, then HTTP: the device API or the web application, by the first bytes; or a stream over a WebSocket
    8883  TLS, then MQTT
    5671  TLS, then AMQP
    ----  plain HTTP on loopback, if asked for: the same as 443 behind a trusted front, and for benchmarks

`build_listeners` composes the edge from what is behind it; nothing else knows all of its parts.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence

import msgspec
from OpenSSL import SSL
from starlette.routing import BaseRoute

from homeport.endpoints.admission import HandshakeAdmission
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.device_http import DeviceHttp
from homeport.endpoints.first_bytes import FirstBytes
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.streams import ConversationFactory, Streams
from homeport.endpoints.tls import TlsFront
from homeport.endpoints.web import Web
from homeport.endpoints.web_application import WebApplication
from homeport.endpoints.websocket import WebSockets
from homeport.protocols.conversation import Transport

_IPV6_LOOPBACK = "::1"
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

ProtocolFactory = Callable[[], asyncio.Protocol]


class EdgeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much and how long a peer may; times in seconds."""

    connections: int = 20_000
    handshakes: int = 2_000
    handshakes_per_address: int = 1_000
    handshake_timeout: float = 15.0
    first_bytes_timeout: float = 15.0
    request_timeout: float = 30.0
    idle_timeout: float = 75.0
    linger: float = 5.0
    backlog: int = 1_024


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The ports to listen on; 0 takes a free one, None leaves it out."""

    https: int | None = 443
    mqtt: int | None = 8883
    amqp: int | None = 5671
    plain_http: int | None = None


class Conversations(msgspec.Struct, frozen=True, kw_only=True):
    """Who converses in the protocols that are streams of bytes."""

    mqtt: ConversationFactory
    amqp: ConversationFactory


class Listener(msgspec.Struct, frozen=True):
    """A port on some addresses, and who speaks there."""

    name: str
    addresses: Sequence[str]
    port: int
    protocol: ProtocolFactory


class Listeners:
    """The listening sockets of the process, and the connections that they accepted."""

    def __init__(
        self, listeners: Sequence[Listener], *, connections: OpenConnections, backlog: int, share_ports: bool = False
    ) -> None:
        self._listeners = listeners
        self._connections = connections
        self._backlog = backlog
        self._share_ports = share_ports
        self._servers: list[asyncio.Server] = []
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
        return bool(self._servers)

    async def start(self) -> None:
        """Listen on every address of every listener.

        Raises:
            OSError: an address cannot be listened on; then none is.
        """
        opened: list[tuple[Listener, socket.socket]] = []
        try:
            for listener in self._listeners:
                opened += [(listener, bound) for bound in self._bind(listener)]
        except OSError:
            for _, bound in opened:
                bound.close()
            raise
        loop = asyncio.get_running_loop()
        for listener, bound in opened:
            server = await loop.create_server(listener.protocol, sock=bound, backlog=self._backlog)
            self._servers.append(server)

    async def drain(self, seconds: float) -> None:
        """Accept no more; let each connection finish what it has; abort what is left after `seconds`."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        await self._connections.drain(seconds)

    def _bind(self, listener: Listener) -> list[socket.socket]:
        """Sockets on every address, all of them with the port that the first one got."""
        bound: list[socket.socket] = []
        port = listener.port
        try:
            for address in listener.addresses:
                bound += self._bind_address(address, port, is_only=len(listener.addresses) == 1)
                port = bound[0].getsockname()[1] if bound else port
        except OSError:
            for each in bound:
                each.close()
            raise
        self._ports[listener.name] = port
        return bound

    def _bind_address(self, address: str, port: int, *, is_only: bool) -> list[socket.socket]:
        try:
            return [_listening_socket(address, port, share=self._share_ports)]
        except OSError as error:
            # The default addresses name it, and not every machine has it.
            if address == _IPV6_LOOPBACK and error.errno in _NO_IPV6 and not is_only:
                return []
            raise


def _listening_socket(address: str, port: int, *, share: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"cannot listen on {address} port {port}: {error.strerror}") from error
    return bound


def build_listeners(
    services: EdgeServices,
    routes: Sequence[BaseRoute],
    *,
    tls_context: Callable[[], SSL.Context],
    conversations: Conversations,
    addresses: Sequence[str],
    ports: Ports,
    limits: EdgeLimits,
    share_ports: bool = False,
) -> Listeners:
    """The edge, composed and not yet listening. `routes` are those of the web application, tried in order."""
    connections = OpenConnections(limits.connections)
    front = TlsFront(
        tls_context,
        admission=HandshakeAdmission(total=limits.handshakes, per_address=limits.handshakes_per_address),
        connections=connections,
        reporter=services.reporter,
        handshake_timeout=limits.handshake_timeout,
        linger=limits.linger,
    )

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
    offered = [
        ("https", addresses, ports.https, front.carrying(http.connection)),
        ("mqtt", addresses, ports.mqtt, front.carrying(mqtt.connection)),
        ("amqp", addresses, ports.amqp, front.carrying(amqp.connection)),
        ("plain_http", ("127.0.0.1",), ports.plain_http, http.plain_connection),
    ]
    wanted = [Listener(name, hosts, port, speak) for name, hosts, port, speak in offered if port is not None]
    return Listeners(wanted, connections=connections, backlog=limits.backlog, share_ports=share_ports)


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
