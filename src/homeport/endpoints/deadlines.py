"""All that waits equally long, under one timer.

A timer per connection costs the event loop a heap entry and a cancellation for each handshake and request.
Where the time-out is the same for all, the order of arrival is the order of expiry: a dictionary and one
coarse sweep do. What expires does so up to an eighth of the time-out late.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

_COARSENESS = 8


class Deadlines(Generic[T]):
    """Calls `expired` with each item that was started and not stopped within `seconds`."""

    def __init__(self, seconds: float, expired: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._expired = expired
        self._started: dict[T, float] = {}
        # Whose timer is armed, if one is. To ask for the running loop is a system call (getpid, in CPython 3.11), and
        # this comes several times a request.
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._started)

    def start(self, item: T) -> None:
        """Give the item its full time, whether or not it was waiting already."""
        loop = self._loop or self._arm()
        self._started.pop(item, None)
        self._started[item] = loop.time()

    def stop(self, item: T) -> None:
        """The item waits no longer; harmless if it did not."""
        self._started.pop(item, None)

    def _arm(self) -> asyncio.AbstractEventLoop:
        self._loop = loop = asyncio.get_running_loop()
        loop.call_later(self._seconds, self._sweep)
        return loop

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for item in self._overdue(loop.time()):
            # An expiry may stop others that are on the list.
            if self._started.pop(item, None) is not None:
                self._expired(item)
        if not self._started:
            self._loop = None
        else:
            first = next(iter(self._started.values()))
            due = first + self._seconds - loop.time()
            loop.call_later(max(due, self._seconds / _COARSENESS), self._sweep)

    def _overdue(self, now: float) -> list[T]:
        overdue = []
        for item, started in self._started.items():
            if started + self._seconds > now:
                break
            overdue.append(item)
        return overdue
