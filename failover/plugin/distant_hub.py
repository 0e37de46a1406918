"""A hub that is far away: it takes its time, so that operations are open, and claimed, when a node dies.

Enters homeport as any connector does, by the entry point beside this file. It keeps nothing; what a plan does twice is
as if it had been done once.
"""

import asyncio

from homeport.hubs.port import HubPlan
from homeport.hubs.registry import ConnectorContext
from homeport.model.identifiers import DeviceId
from homeport.model.linked_hub import LinkedHub

SECONDS = 2.0
"""Longer than a registration waits for its hub ([assignment] budget_ms)."""


class DistantHub:
    """Implements `hubs.port.HubConnector`."""

    @classmethod
    def for_hub(cls, hub: LinkedHub, context: ConnectorContext) -> "DistantHub":
        return cls()

    async def apply(self, plan: HubPlan) -> None:
        await asyncio.sleep(SECONDS)

    async def remove(self, device_id: DeviceId) -> bool:
        return True

    async def check(self) -> None:
        return None
