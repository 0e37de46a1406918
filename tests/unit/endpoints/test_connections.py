"""How many connections there may be, and how they end."""

import asyncio

import pytest

from homeport.endpoints.connections import OpenConnections


class Connection:
    """Ends on `drain` if it is willing, else on `abort`."""

    def __init__(self, connections: OpenConnections, *, willing: bool = True) -> None:
        self.connections = connections
        self.willing = willing
        self.end = ""

    def drain(self) -> None:
        if self.willing:
            self.end = "drained"
            asyncio.get_running_loop().call_soon(self.connections.discard, self)

    def abort(self) -> None:
        self.end = "aborted"
        self.connections.discard(self)


def test_bound() -> None:
    connections = OpenConnections(2)
    first, second, third = [Connection(connections) for _ in range(3)]
    assert connections.admit(first)
    assert connections.admit(second)
    assert not connections.admit(third)
    connections.discard(first)
    connections.discard(first)
    assert connections.admit(third)
    assert len(connections) == 2


@pytest.mark.parametrize(("willing", "end"), [(True, "drained"), (False, "aborted")])
def test_drain(willing: bool, end: str) -> None:
    async def scenario() -> None:
        connections = OpenConnections(10)
        open_ones = [Connection(connections, willing=willing) for _ in range(3)]
        for connection in open_ones:
            connections.admit(connection)
        await connections.drain(0.05)
        assert [connection.end for connection in open_ones] == [end] * 3
        assert not connections.admit(Connection(connections))

    asyncio.run(scenario())


def test_drain_of_none() -> None:
    asyncio.run(OpenConnections(1).drain(60))


def test_new_owner_of_a_draining_connection_is_told() -> None:
    async def scenario() -> None:
        connections = OpenConnections(10)
        old, new = Connection(connections, willing=False), Connection(connections)
        connections.admit(old)
        draining = asyncio.ensure_future(connections.drain(10))
        await asyncio.sleep(0)
        connections.hand_over(old, new)
        await draining
        assert (old.end, new.end) == ("", "drained")

    asyncio.run(scenario())
