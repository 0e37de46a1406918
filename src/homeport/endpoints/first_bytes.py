"""The first bytes of a connection on 443 choose who speaks HTTP on it.

A device's path goes to `device_http.py`, anything else to `web.py`. When the next request on an idle connection is the
other half's, the connection changes over: Node's agents keep connections, and a program that enrolls a device and
then registers it uses one for both. Only what is asked while an answer is owed is told 421. Works on TLS and on
plain TCP.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from homeport.endpoints.connections import Drainable, OpenConnections
from homeport.endpoints.deadlines import Deadlines
from homeport.endpoints.device_routes import is_device_path

ChangeOver = Callable[[Drainable, asyncio.Transport, bytes], None]
"""Gives a connection to the other half; see `FirstBytes.change_over`."""

# An ID scope, fully percent-encoded, and the words around it are shorter.
_ENOUGH = 512


def speaks_device_api(data: bytes) -> bool | None:
    """Whether a connection that starts with `data` is a device's; None if that is too little to tell."""
    _, space, target = data.partition(b" ")
    if space and is_device_path(target):
        return True
    return False if b"\n" in data or len(data) >= _ENOUGH else None


class FirstBytes:
    """What all undecided connections of the process share."""

    def __init__(
        self,
        *,
        device: Callable[[], asyncio.Protocol],
        web: Callable[[], asyncio.Protocol],
        connections: OpenConnections,
        timeout: float,
    ) -> None:
        self.device = device
        self.web = web
        self.connections = connections
        self.undecided: Deadlines[FirstBytesConnection] = Deadlines(timeout, FirstBytesConnection.abort)

    def change_over(self, old: Drainable, transport: asyncio.Transport, data: bytes) -> None:
        """Between two requests the connection of `old` goes to the half that `data` asks for."""
        protocol = self.device() if speaks_device_api(data) else self.web()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self.connections.hand_over(old, cast(Drainable, protocol))
        protocol.data_received(data)

    def connection(self) -> "FirstBytesConnection":
        """A protocol for one connection on the TLS front, which has admitted it."""
        return FirstBytesConnection(self)

    def plain_connection(self) -> "FirstBytesConnection":
        """A protocol for one plain connection, to be admitted here."""
        return FirstBytesConnection(self, admitted=False)


class FirstBytesConnection(asyncio.Protocol):
    """One connection until it is decided."""

    __slots__ = ("_admitted", "_data", "_shared", "_transport")

    def __init__(self, shared: FirstBytes, *, admitted: bool = True) -> None:
        self._shared = shared
        self._admitted = admitted
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._admitted or self._shared.connections.admit(self):
            self._shared.undecided.start(self)
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._data += data
        device = speaks_device_api(self._data)
        if device is not None:
            self._hand_over()

    def connection_lost(self, exc: Exception | None) -> None:
        self._shared.undecided.stop(self)
        self._shared.connections.discard(self)

    def _hand_over(self) -> None:
        data, self._data = self._data, b""
        self._shared.undecided.stop(self)
        self._shared.change_over(self, self._transport, data)

    def wind_down(self) -> None:
        """The half that answers is told."""

    def drain(self) -> None:
        """The server stops, and nothing has been asked yet."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
