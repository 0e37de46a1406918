"""Devices that keep coming, a few each second, whatever happens to the machines."""

import asyncio
import random
import time
from contextlib import suppress

from bench.storm.clients import MIXED, assigned

from failover.conversations import Service
from failover.devices import Device
from failover.tokens import Group

_FEW = 100
_PAUSE = 0.1


class Storm:
    """The devices of one enrollment group, of all kinds of clients."""

    def __init__(self, service: Service, group: Group, *, per_second: float, rng: random.Random) -> None:
        self.devices: list[Device] = []
        self._service = service
        self._group = group
        self._pause = 1 / per_second
        self._rng = rng
        self._tasks: list[asyncio.Task[None]] = []
        self._arrivals: asyncio.Task[None] | None = None

    @property
    def prefix(self) -> str:
        """What the IDs of its devices begin with."""
        return f"{self._group.group_id}-"

    def begin(self) -> None:
        """Let the devices come."""
        self._arrivals = asyncio.ensure_future(self._arrive())

    async def until_served(self, since: float, *, seconds: float) -> bool:
        """Wait until some who came after a moment are assigned; whether that was in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if sum(device.assigned_at is not None and device.arrived_at > since for device in self.devices) >= _FEW:
                return True
            await asyncio.sleep(_PAUSE)
        return False

    async def close(self) -> None:
        """Let no more devices come."""
        await self._stop(self._arrivals)

    async def end(self, *, seconds: float) -> None:
        """Let no more come, and wait for a time until those who are there have what they came for."""
        await self.close()
        if self._tasks:
            done, _ = await asyncio.wait(self._tasks, timeout=seconds)
            for task in done:
                task.result()
        await self.abandon()

    async def abandon(self) -> None:
        """Leave nothing running."""
        await self._stop(self._arrivals, *self._tasks)

    async def _arrive(self) -> None:
        due = time.monotonic()
        number = 0
        while True:
            self._admit(f"{self.prefix}{number:06d}")
            number += 1
            due += self._pause * self._rng.uniform(0.5, 1.5)
            await asyncio.sleep(max(0, due - time.monotonic()))

    def _admit(self, registration_id: str) -> None:
        [rule] = assigned(MIXED, 1, self._rng)
        token = self._group.device_token(self._service.id_scope, registration_id)
        device = Device(registration_id=registration_id, token=token, rule=rule, rng=self._rng)
        self.devices.append(device)
        self._tasks.append(asyncio.ensure_future(device.provision(self._service)))

    @staticmethod
    async def _stop(*tasks: asyncio.Task[None] | None) -> None:
        for task in tasks:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
