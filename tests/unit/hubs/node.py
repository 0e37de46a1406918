"""Two workers of one node: a database, a run directory, and an embedded hub in each; for tests of what passes
between them. Their datagrams and the file that they share are the real ones."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from tests.unit.administration.world import World, opened
from tests.unit.hubs.site import Site

from homeport.endpoints.worker_datagrams import WorkerDatagrams
from homeport.hubs.embedded.announcements import Channel
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.storage.node_memory import SqliteNodeMemory

Scenario = Callable[[Site, Site], Awaitable[None]]


class Lossy:
    """A channel that loses what it is given while it is `deaf`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.deaf = False
        self.lost = 0

    async def publish(self, payload: bytes) -> None:
        if self.deaf:
            self.lost += 1
        else:
            await self._channel.publish(payload)

    def subscribe(self, receive: Callable[[bytes], None], missed: Callable[[], None] = lambda: None) -> None:
        self._channel.subscribe(receive, missed)
        self.missed = missed


async def heard(condition: Callable[[], bool]) -> None:
    """Wait until an announcement has done its work."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what another worker does is no event here)
            await asyncio.sleep(0.001)


def on_node(scenario: Scenario) -> Callable[[Path], None]:
    """Make a test of a coroutine that takes the sites of two workers."""

    async def lived(directory: Path) -> None:
        async with opened() as world:
            with ExitStack() as resources:
                await scenario(*[await _worker(world, directory, slot, resources) for slot in range(2)])

    def test(tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        asyncio.run(lived(tmp_path))

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test


async def _worker(world: World, directory: Path, slot: int, resources: ExitStack) -> Site:
    datagrams = WorkerDatagrams(directory, slot=slot)
    datagrams.start()
    resources.callback(datagrams.close)
    memory = SqliteNodeMemory.open(directory / "memory.db")
    resources.callback(memory.close)
    channel = Lossy(datagrams)
    embedded = EmbeddedHub(
        storage=world.storage, clock=world.clock, randomness=world.randomness, memory=memory, channel=channel
    )
    resources.callback(embedded.presence.close)
    (hub,) = await world.storage.settings.linked_hubs(world.service_id)
    return Site(world, embedded, hub, channel)
