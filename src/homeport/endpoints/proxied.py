"""Connections that a load balancer passes on: its header is read, and the peer has its own address again.

Everybody could send such a header, so only the proxies that are named are believed; of them each connection must begin
with one, or anybody behind them could choose an address. Whoever else connects is a peer like any other. Counterparts:
`proxy_header.py`, which reads, and `tls.py`, whose connections come into being here.
"""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, cast

from homeport.endpoints.connections import peer_address
from homeport.endpoints.deadlines import Deadlines
from homeport.endpoints.handshake_failures import network_of
from homeport.endpoints.ports import Reports
from homeport.endpoints.proxy_header import MalformedProxyHeader, read_proxy_header

Networks = Sequence[IPv4Network | IPv6Network]


class TrustedProxies:
    """What all passed-on connections of the process share. A header has `timeout` seconds to come, and `most` may wait
    for theirs; they are no connections of the process yet, and none of its business when it stops."""

    def __init__(self, networks: Networks, *, most: int, reporter: Reports, timeout: float) -> None:
        self._networks = networks
        self.most = most
        self.reporter = reporter
        self.waiting: Deadlines[ProxiedConnection] = Deadlines(timeout, ProxiedConnection.give_up)

    def passing_on(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of connections that become what `make` makes; the same one where no proxy is trusted."""
        return (lambda: ProxiedConnection(self, make)) if self._networks else make

    def include(self, address: str) -> bool:
        """Whether that is a proxy's address."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self._networks)


class ProxiedConnection(asyncio.Protocol):
    """One connection until its header has been read."""

    __slots__ = ("_data", "_make", "_proxies", "_transport")

    def __init__(self, proxies: TrustedProxies, make: Callable[[], asyncio.Protocol]) -> None:
        self._proxies = proxies
        self._make = make
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._proxies.include(peer_address(transport)):
            self._pass_on(self._transport, b"")
        elif len(self._proxies.waiting) < self._proxies.most:
            self._proxies.waiting.start(self)
        else:
            self._refuse("too_many_handshakes")

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            header = read_proxy_header(self._data)
        except MalformedProxyHeader:
            self._refuse("no_proxy_header")
            return
        if header is not None:
            self._proxies.waiting.stop(self)
            transport = PassedOnTransport(self._transport, header.address) if header.address else self._transport
            self._pass_on(cast(asyncio.Transport, transport), self._data[header.size :])

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxies.waiting.stop(self)

    def _pass_on(self, transport: asyncio.Transport, data: bytes) -> None:
        protocol = self._make()
        self._transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if data:
            protocol.data_received(data)

    def _refuse(self, reason: str) -> None:
        network = network_of(peer_address(self._transport))
        self._proxies.reporter.handshake_failed(reason, detail="", network=network)
        self._transport.abort()

    def give_up(self) -> None:
        """The header does not come."""
        self._refuse("timeout")


class PassedOnTransport:
    """A proxy's transport, but for the address at its other end."""

    __slots__ = ("_address", "_below")

    def __init__(self, below: asyncio.Transport, address: str) -> None:
        self._below = below
        self._address = address

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the proxy's; `peername` has the peer's address, and no port."""
        return (self._address, 0) if name == "peername" else self._below.get_extra_info(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)
