"""The connections that are open: how many there may be, and how they end when the server stops.

Whoever speaks on a connection at the moment owns its entry: the TLS front during the handshake, then the
chooser of the first bytes, then the protocol. So one set bounds, drains and aborts them all.
"""

import asyncio
from typing import Protocol

from homeport.endpoints.throttling import Throttle

# Told to wind down in one go, at least, and seconds between two.
_TOLD_AT_ONCE = 100
_BETWEEN = 0.05


def peer_address(transport: asyncio.BaseTransport) -> str:
    """The address at the other end; empty if the kernel no longer knows it."""
    return str((transport.get_extra_info("peername") or ("",))[0])


def source_of(transport: asyncio.BaseTransport, throttle: Throttle) -> str | bytes:
    """What the throttle counts of the address at the other end; it is asked once, when the connection is made."""
    return throttle.source(peer_address(transport)) if throttle.counts_addresses else ""


class Drainable(Protocol):
    """A connection's owner."""

    def wind_down(self) -> None:
        """Another process has taken over: let the peer finish what it is at, and go there with the next."""
        ...

    def drain(self) -> None:
        """Answer what was taken, take nothing new, then close."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class OpenConnections:
    """A bounded set of connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[Drainable] = set()
        self._emptied = asyncio.Event()
        self.admitted = 0
        """Connections taken in since the start."""
        self._winding_down = False
        self._draining = False

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Drainable) -> bool:
        """Take the connection in, unless there are too many or the server is stopping."""
        if len(self._open) >= self._limit or self._draining:
            return False
        self._open.add(connection)
        self.admitted += 1
        return True

    def hand_over(self, old: Drainable, new: Drainable) -> None:
        """The connection of `old` belongs to `new` from now on."""
        self._open.discard(old)
        self._open.add(new)
        if self._draining:
            new.drain()
        elif self._winding_down:
            new.wind_down()

    def discard(self, connection: Drainable) -> None:
        """The connection is gone."""
        self._open.discard(connection)
        if not self._open:
            self._emptied.set()

    async def drain(self, seconds: float) -> None:
        """Admit no more, let each finish what it has, and abort what is left after `seconds`."""
        self._draining = True
        for connection in tuple(self._open):
            connection.drain()
        if not await self._are_gone(seconds):
            for connection in tuple(self._open):
                connection.abort()
            await asyncio.sleep(0)

    async def wind_down(self, seconds: float) -> None:
        """For up to `seconds`, let each peer finish what it is at; what is left is for `drain`.

        They are told a few at a time: thousands of devices must not come back at one moment.
        """
        self._winding_down = True
        untold = list(self._open)
        at_once = max(_TOLD_AT_ONCE, int(2 * len(untold) * _BETWEEN / max(seconds, _BETWEEN)))
        while untold and seconds > 0:
            for connection in untold[:at_once]:
                if connection in self._open:
                    connection.wind_down()
            del untold[:at_once]
            if untold:
                seconds -= _BETWEEN
                await asyncio.sleep(_BETWEEN)
        await self._are_gone(seconds)

    async def _are_gone(self, seconds: float) -> bool:
        """Wait until no connection is left."""
        if not self._open:
            return True
        self._emptied.clear()
        try:
            await asyncio.wait_for(self._emptied.wait(), max(seconds, 0))
        except TimeoutError:
            return False
        return True
