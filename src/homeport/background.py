"""What a process does while it serves, again and again: finish operations, purge, refresh, look at certificates.

Each chore is a task of its own, and no failure ends one: what storage has failed with is told once, a defect with its
traceback, and the chore goes on after its pause. Knows no chore; counterpart: `application.py` says which there are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from homeport.storage.port import StorageUnavailable


class Chore(msgspec.Struct, frozen=True):
    """A step that is repeated at once as long as it finds work (answers true), else after `pause` seconds."""

    name: str
    step: Callable[[], Awaitable[bool]]
    pause: float


class Reports(Protocol):
    """Where failures are told."""

    def storage_failed(self, reason: str) -> None: ...

    def crashed(self, error: BaseException, *, operation: str, transport: str, correlation_id: str) -> None: ...


class Background:
    """The chores of a process, from `start` to `stop`."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, chores: Sequence[Chore]) -> None:
        """Begin with each of them on the running event loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._repeat(chore), name=chore.name) for chore in chores]

    async def stop(self) -> None:
        """End them where they wait."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, chore: Chore) -> None:
        while True:
            if not await self._worked(chore):
                await asyncio.sleep(chore.pause)

    async def _worked(self, chore: Chore) -> bool:
        try:
            return await chore.step()
        except StorageUnavailable as error:
            self._reports.storage_failed(str(error))
        except Exception as error:
            self._reports.crashed(error, operation=chore.name, transport="worker", correlation_id="")
        return False
