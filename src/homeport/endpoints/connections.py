"""The connections that are open: how many there may be, and how they end when the server stops.

Whoever speaks on a connection at the moment owns its entry: the TLS front during the handshake, then the
chooser of the first bytes, then the protocol. So one set bounds, drains and aborts them all.
"""

import asyncio
from typing import Protocol


class Drainable(Protocol):
    """A connection's owner."""

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
        self._emptied: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Drainable) -> bool:
        """Take the connection in, unless there are too many or the server is stopping."""
        if len(self._open) >= self._limit or self._emptied is not None:
            return False
        self._open.add(connection)
        return True

    def hand_over(self, old: Drainable, new: Drainable) -> None:
        """The connection of `old` belongs to `new` from now on."""
        self._open.discard(old)
        self._open.add(new)
        if self._emptied is not None:
            new.drain()

    def discard(self, connection: Drainable) -> None:
        """The connection is gone."""
        self._open.discard(connection)
        if self._emptied is not None and not self._open:
            self._emptied.set()

    async def drain(self, seconds: float) -> None:
        """Admit no more, let each finish what it has, and abort what is left after `seconds`."""
        self._emptied = asyncio.Event()
        for connection in tuple(self._open):
            connection.drain()
        if not self._open:
            return
        try:
            await asyncio.wait_for(self._emptied.wait(), seconds)
        except TimeoutError:
            for connection in tuple(self._open):
                connection.abort()
            await asyncio.sleep(0)
