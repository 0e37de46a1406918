"""Accepting connections, or leaving them to the kernel for a while; and how many wait there.

A connection that is not accepted costs this process nothing: it waits in the listening socket's queue, and beyond that
the kernel drops its SYN, which the peer's kernel repeats after 1, 3, 7 seconds. So pausing bounds the memory of an
overloaded server, and most of its peers notice no more than a slow network. Event loops have no word for it: here
each server listens on a duplicate of its socket, which can be closed while the queue stays open. Knows no TLS.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable

import msgspec

from homeport.endpoints.tasks import spawn

# Of a listening socket Linux tells there how many wait to be accepted (`tcpi_unacked` of `struct tcp_info`).
_WAITING = struct.Struct("=24xI")

ProtocolFactory = Callable[[], asyncio.Protocol]


class _Place(msgspec.Struct, frozen=True):
    """A listening socket, and who speaks on its connections."""

    socket: socket.socket
    protocol: ProtocolFactory


class Acceptor:
    """All listening sockets of the process."""

    def __init__(self, *, backlog: int) -> None:
        self.backlog = backlog
        """How many may wait on each socket."""
        self._places: list[_Place] = []
        self._servers: list[asyncio.Server] = []
        self._wanted = False
        self._changing = False

    @property
    def is_open(self) -> bool:
        """Whether there are sockets to accept from; a pause changes nothing in that."""
        return bool(self._places)

    async def start(self, protocol: ProtocolFactory, bound: socket.socket) -> None:
        """Accept connections from a bound socket, too; it is ours from now on."""
        place = _Place(bound, protocol)
        self._places.append(place)
        self._wanted = True
        await self._serve(place)

    def waiting(self) -> list[int]:
        """How many connections wait on each socket; none, as far as one knows, where the kernel does not tell."""
        if sys.platform != "linux":
            return [0 for _ in self._places]
        return [
            _WAITING.unpack(place.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _WAITING.size))[0]
            for place in self._places
        ]

    def bound_waiting(self, backlog: int) -> None:
        """Let so many wait on each socket from now on; those who wait already stay."""
        if backlog != self.backlog:
            self.backlog = backlog
            for place in self._places:
                place.socket.listen(backlog)

    def pause(self) -> None:
        """Accept nothing for now."""
        self._wanted = False
        self._close_servers()

    def resume(self) -> None:
        """Accept again, from the next turn of the loop on."""
        self._wanted = self.is_open
        if self._wanted and not self._servers and not self._changing:
            self._changing = True
            spawn(self._serve_all())

    def close(self) -> None:
        """Accept nothing any more, and give up the sockets."""
        self._wanted = False
        self._close_servers()
        places, self._places = self._places, []
        for place in places:
            place.socket.close()

    async def _serve_all(self) -> None:
        try:
            # Anew, if there was a pause in the middle of it.
            while self._wanted and len(self._servers) < len(self._places):
                self._close_servers()
                for place in tuple(self._places):
                    await self._serve(place)
        finally:
            self._changing = False

    async def _serve(self, place: _Place) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(place.protocol, sock=place.socket.dup(), backlog=self.backlog)
        self._servers.append(server)
        if not self._wanted:
            # Paused or closed while it was being made.
            self._close_servers()

    def _close_servers(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
