"""Rounds of storm and death: who dies, how, and what came of it. All play on one site, one after the other."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from failover.administrator import DISTANT_HUB, enroll_group
from failover.machine import Machine
from failover.nodes import Deployment
from failover.outcome import Outcome, accepted, faulty_answers, longest_silence, troubles
from failover.site import Site
from failover.storm import Storm
from failover.verification import audit_faults, database_faults, device_faults, log_faults, open_operations, still_open
from failover.waiting import NotReached, wait_for

_CALM, _AFTERWARDS = 8.0, 5.0
_SERVED, _PROVISIONED = 120.0, 300.0
_FINISHED = 90.0
"""Longer than a worker's claim (30 s), and some more that wait for the same worker."""
_DISTANT_PER_SECOND = 3.0
"""Until the blow; more than the workers of two nodes finish, so that each of them has claimed one when it comes."""


@dataclass(frozen=True, kw_only=True)
class Blow:
    """What happens to which machine, and how it is undone."""

    what: str
    victim: Callable[[Site], Machine]
    strike: Callable[[Machine], None] = Machine.kill
    undo: Callable[[Machine], None] = Machine.start


def _primary(site: Site) -> Machine:
    return wait_for("a primary", site.database.primary)


def _replica(site: Site) -> Machine:
    return wait_for("a synchronous replica", site.database.replica)


def _node(site: Site) -> Machine:
    return site.nodes.nodes[0]


BLOWS: Mapping[str, Blow] = MappingProxyType(
    {
        "primary-killed": Blow(what="the primary is killed", victim=_primary),
        "primary-hangs": Blow(
            what="the primary hangs, and wakes up later", victim=_primary, strike=Machine.freeze, undo=Machine.thaw
        ),
        "replica-hangs": Blow(
            what="the replica hangs, and wakes up later", victim=_replica, strike=Machine.freeze, undo=Machine.thaw
        ),
        "node-hangs": Blow(
            what="a homeport node hangs, and wakes up later",
            victim=_node,
            strike=Machine.freeze,
            undo=Machine.thaw,
        ),
        "node-killed": Blow(what="a homeport node is killed", victim=_node),
    }
)


class Round:
    """One blow in the middle of a storm."""

    def __init__(
        self, site: Site, deployment: Deployment, blow: Blow, *, name: str, per_second: float, rng: random.Random
    ) -> None:
        """`name` begins the names of its devices."""
        self._site = site
        self._deployment = deployment
        self._name = name
        self._blow = blow
        self._per_second = per_second
        self._rng = rng
        self._faults: list[str] = []
        """What was seen to be wrong on the way."""

    async def play(self, say: Callable[[str], None]) -> Outcome:
        """Play it; each step is said before it begins. What goes wrong stands in the outcome."""
        near = await self._storm(f"{self._name}-near", self._deployment.service.host, self._per_second)
        distant = await self._storm(f"{self._name}-distant", DISTANT_HUB, _DISTANT_PER_SECOND)
        try:
            return await self._play(near, distant, say)
        finally:
            await near.abandon()
            await distant.abandon()

    async def _storm(self, group_id: str, hub: str, per_second: float) -> Storm:
        group = await enroll_group(self._deployment, group_id, hub=hub)
        return Storm(self._deployment.service, group, per_second=per_second, rng=self._rng)

    async def _play(self, near: Storm, distant: Storm, say: Callable[[str], None]) -> Outcome:
        say("the storm begins")
        near.begin()
        distant.begin()
        await asyncio.sleep(_CALM)
        victim = await asyncio.to_thread(self._blow.victim, self._site)
        async with self._site.database.session() as database:
            left_open = await open_operations(database)
        await distant.close()
        say(f"{self._blow.what} ({victim.name})")
        struck = time.monotonic()
        await asyncio.to_thread(self._blow.strike, victim)
        await self._serve_without(near, struck, left_open)
        say(f"{victim.name} comes back")
        await self._bring_back(victim)
        returned = time.monotonic()
        await self._finish(near, distant, say)
        devices = [*near.devices, *distant.devices]
        return Outcome(
            what=self._blow.what,
            devices=len(devices),
            assigned=sum(device.assignment is not None for device in devices),
            silence=longest_silence(accepted(near.devices), since=struck, until=returned),
            struck=struck,
            returned=returned,
            troubles=troubles(devices),
            left_open=len(left_open),
            faults=[*self._faults, *await self._examine(near, distant), *faulty_answers(devices)],
        )

    async def _serve_without(self, storm: Storm, struck: float, left_open: Sequence[str]) -> None:
        """Wait until devices are served again, and what was open is finished, all without the machine."""
        if not await storm.until_served(struck, seconds=_SERVED):
            self._faults.append(f"service was not back within {_SERVED:.0f} s")
        deadline = time.monotonic() + _FINISHED
        async with self._site.database.session() as database:
            while count := await still_open(database, left_open):
                if time.monotonic() > deadline:
                    self._faults.append(f"{count} operations that were open at the blow are not finished")
                    return
                await asyncio.sleep(1)

    async def _bring_back(self, victim: Machine) -> None:
        await asyncio.to_thread(self._blow.undo, victim)
        try:
            await asyncio.to_thread(self._site.wait_until_whole)
        except NotReached as late:
            self._faults.append(str(late))

    async def _finish(self, near: Storm, distant: Storm, say: Callable[[str], None]) -> None:
        await asyncio.sleep(_AFTERWARDS)
        say("no more devices come; the last are provisioned")
        await asyncio.gather(near.end(seconds=_PROVISIONED), distant.end(seconds=_PROVISIONED))

    async def _examine(self, near: Storm, distant: Storm) -> list[str]:
        async with self._site.database.session() as database:
            found = await device_faults(database, near.prefix, near.devices, at_embedded_hub=True)
            found += await device_faults(database, distant.prefix, distant.devices, at_embedded_hub=False)
            found += await database_faults(database)
        nodes = self._site.nodes.nodes
        found += await asyncio.to_thread(audit_faults, nodes[0].directory)
        return [*found, *(fault for node in nodes for fault in log_faults(node.name, node.log("homeport")))]
