"""How many connections there may be, and how they end."""

import asyncio

import pytest

from homeport.endpoints.connections import OpenConnections


class Connection:
    """Ends on `drain` if it is willing, else on `abort`."""

    def __init__(self, connections: OpenConnections, *, willing: bool = True) -> None:
        self.connections = connections
        self.willing = willing
        self.told = 0
        self.end = ""

    def wind_down(self) -> None:
        self.told += 1

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


def test_winding_down_ends_with_the_last_connection_and_closes_none() -> None:
    async def scenario() -> None:
        connections = OpenConnections(1000)
        open_ones = [Connection(connections) for _ in range(250)]
        for connection in open_ones:
            connections.admit(connection)
        winding_down = asyncio.ensure_future(connections.wind_down(60))
        while not all(connection.told for connection in open_ones):  # noqa: ASYNC110 (it tells nobody else)
            await asyncio.sleep(0.01)
        assert not winding_down.done()
        assert {connection.end for connection in open_ones} == {""}
        for connection in open_ones:
            connections.discard(connection)
        await winding_down
        assert {connection.told for connection in open_ones} == {1}

    asyncio.run(scenario())


def test_not_all_are_told_at_one_moment() -> None:
    async def scenario() -> None:
        connections = OpenConnections(1000)
        open_ones = [Connection(connections) for _ in range(250)]
        for connection in open_ones:
            connections.admit(connection)
        winding_down = asyncio.ensure_future(connections.wind_down(60))
        await asyncio.sleep(0)
        assert 0 < sum(connection.told for connection in open_ones) < 250
        winding_down.cancel()

    asyncio.run(scenario())


def test_whoever_comes_while_winding_down_is_let_in_and_its_next_owner_told() -> None:
    async def scenario() -> None:
        connections = OpenConnections(10)
        old, late, new = [Connection(connections) for _ in range(3)]
        connections.admit(old)
        winding_down = asyncio.ensure_future(connections.wind_down(60))
        await asyncio.sleep(0)
        assert connections.admit(late)
        connections.hand_over(late, new)
        assert (new.told, new.end) == (1, "")
        connections.discard(old)
        assert not winding_down.done()
        connections.discard(new)
        await winding_down

    asyncio.run(scenario())


def test_what_is_left_after_winding_down_is_drained() -> None:
    async def scenario() -> None:
        connections = OpenConnections(10)
        lasting = Connection(connections)
        connections.admit(lasting)
        await connections.wind_down(0.01)
        assert lasting.end == ""
        await connections.drain(1)
        assert lasting.end == "drained"
        await connections.wind_down(60)

    asyncio.run(scenario())
