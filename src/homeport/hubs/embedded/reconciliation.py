"""Brings the connections of this process in line with what is stored: at once where something is known to have
changed, and one after the other for all that no announcement told of.

The one routine for both: a device that would not be let in any more, or whose twin was begun anew, is disconnected;
one that has missed desired properties is told.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from homeport.hubs.embedded.connections import DeviceConnection, DeviceConnections, DeviceKey
from homeport.hubs.embedded.openers import still_opens
from homeport.model.identifiers import DeviceId
from homeport.storage.port import HubDeviceReader, StorageUnavailable

ROUND = 300
"""Steps until each connection has had its turn; one step a second."""
MOST_A_STEP = 200


class Reconciliation:
    """`affirm` and `end` are what to do with a connection that is right, and with one that must go."""

    def __init__(
        self,
        connections: DeviceConnections,
        devices: HubDeviceReader,
        *,
        affirm: Callable[[DeviceConnection], None],
        end: Callable[[DeviceKey], None],
    ) -> None:
        self._connections = connections
        self._devices = devices
        self._affirm = affirm
        self._end = end
        self._due: dict[DeviceKey, None] = {}
        self._working: asyncio.Task[None] | None = None
        self._turns: list[DeviceKey] = []
        self._hasty = False

    def soon(self, key: DeviceKey) -> None:
        """Look at a device, if it is connected here, as soon as its turn comes."""
        if self._connections.find(key) is None:
            return
        self._due[key] = None
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._work())

    def hasten(self) -> None:
        """Something may have been missed about any of them: have all looked at within seconds."""
        self._turns = list(self._connections.keys())
        self._hasty = True

    async def step(self) -> None:
        """Look at the next few connections; after `ROUND` steps at all that there were.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        if not self._turns:
            self._turns, self._hasty = list(self._connections.keys()), False
        number = MOST_A_STEP if self._hasty else min(-(-len(self._connections) // ROUND), MOST_A_STEP)
        for _ in range(min(number, len(self._turns))):
            key = self._turns.pop()
            await self._look(key)
            if (connection := self._connections.find(key)) is not None:
                self._affirm(connection)

    def close(self) -> None:
        """Look at nothing more."""
        if self._working is not None:
            self._working.cancel()

    async def _work(self) -> None:
        while self._due:
            key = next(iter(self._due))
            # Taken off first: what changes while storage is read is looked at again.
            del self._due[key]
            # What fails here comes up again in its turn.
            with suppress(StorageUnavailable):
                await self._look(key)

    async def _look(self, key: DeviceKey) -> None:
        connection = self._connections.find(key)
        if connection is None:
            return
        session = connection.session
        place = (session.service_id, session.hub_host_name, DeviceId(session.device_id))
        told_before = connection.desired_version
        device, twin = await self._devices.device(*place), await self._devices.twin(*place)
        if self._connections.find(key) is not connection:
            return
        # What the device was told while storage was read may be newer than what was read.
        begun_anew = twin and connection.desired_version == told_before and connection.is_told_otherwise(twin)
        if begun_anew or not still_opens(session.opener, device):
            self._end(key)
        elif twin is not None:
            connection.tell(twin)
