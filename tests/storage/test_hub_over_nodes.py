"""The hub in the box on two nodes that share nothing but a PostgreSQL database, and what it carries between them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from tests import postgresql
from tests.storage.material import open_storage
from tests.unit.administration.world import CountedRandomness, StillClock, World
from tests.unit.hubs.node import heard
from tests.unit.hubs.site import DEVICE, Site

from homeport.clock import SystemRandomness
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.hubs.embedded.twins import TwinPatch
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced, SendTelemetry
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.node_memory import SqliteNodeMemory
from homeport.storage.postgresql_channel import PostgresqlChannel

Scenario = Callable[[Site, Site], Awaitable[None]]


async def _node(url: str, number: int, clock: StillClock, resources: AsyncExitStack) -> Site:
    storage = await open_storage(url, clock=clock, writer_name=f"node-{number}")
    resources.push_async_callback(storage.close)
    channel = await PostgresqlChannel.open(DatabaseUrl(url), randomness=SystemRandomness())
    resources.push_async_callback(channel.close)
    memory = SqliteNodeMemory.open()
    resources.callback(memory.close)
    randomness: Any = SystemRandomness() if number else CountedRandomness()
    world = World(storage, clock, randomness)
    if number == 0:
        await world.furnish()
    else:
        (service,) = await storage.settings.services()
        world.service_id = service.service_id
    embedded = EmbeddedHub(storage=storage, clock=clock, randomness=randomness, memory=memory, channel=channel)
    resources.callback(embedded.presence.close)
    (hub,) = await storage.settings.linked_hubs(world.service_id)
    return Site(world, embedded, hub, channel)


def on_nodes(scenario: Scenario) -> Callable[[], None]:
    """Make a test of a coroutine that takes the sites of two nodes."""

    async def lived() -> None:
        clock, url = StillClock(), postgresql.fresh_database()
        async with AsyncExitStack() as resources:
            resources.callback(postgresql.give_back, url)
            await scenario(*[await _node(url, number, clock, resources) for number in range(2)])

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test


@on_nodes
async def test_a_device_on_one_node_hears_what_an_operator_tells_the_other(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    for number in range(5):
        patch = TwinPatch(desired={"rate": number})
        await here.embedded.twins.patch(here.hub, DEVICE, patch, if_match=None, actor="me")
    await heard(lambda: bool(connection.heard) and getattr(connection.heard[-1], "version", 0) == 6)
    versions = [event.version for event in connection.heard if isinstance(event, DesiredPropertiesChanged)]
    assert versions == sorted(set(versions))


@on_nodes
async def test_a_device_has_one_connection_over_all_nodes(here: Site, there: Site) -> None:
    await here.device()
    _, first = await here.connected()
    _, second = await there.connected()
    await heard(lambda: first.heard == [Displaced()])
    _, third = await here.connected()
    await heard(lambda: second.heard == [Displaced()])
    assert third.heard == []


@on_nodes
async def test_of_a_deleted_device_no_node_keeps_anything(here: Site, there: Site) -> None:
    await here.device()
    session, connection = await there.connected()
    await there.embedded.sessions.answer(SendTelemetry(session=session, body=b"1", properties=()))
    assert len(there.telemetry()) == 1
    await here.embedded.identities.delete(here.hub, DEVICE, if_match=None, actor="me")
    await heard(lambda: connection.heard == [Displaced()])
    await heard(lambda: there.telemetry() == [])
