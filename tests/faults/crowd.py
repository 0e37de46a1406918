"""Devices without end that register over HTTPS and MQTT, before a fault, while it lasts and after it.

Whoever is sent away with a 503 is forgotten, and another one comes. What each has been told is kept, since none of it
may be lost. Anything else than an answer or a 503 is a failure.
"""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tests.sockets.devices import Device

_CROWD = 6
_PATIENCE = 60
_PAUSE = 0.02
_SENT_AWAY = ("503001", "SERVER_UNAVAILABLE")
"""The error of the catalogue, or what CONNACK can say of it."""


class Crowd:
    """As a context manager it registers until the end of the block, and raises there what went wrong."""

    def __init__(self, make: Callable[[str], Device]) -> None:
        self._make = make
        self._numbers = itertools.count()
        self.devices: list[Device] = []
        """All that have begun."""
        self.assigned = 0
        self.refused = 0
        self._change = threading.Condition()
        self._over = False
        self._pool = ThreadPoolExecutor(_CROWD)
        self._running: list[Future[None]] = []

    def wait_for(self, *, assigned: int = 0, refused: int = 0) -> None:
        """Until so many more devices are assigned, or sent away."""
        with self._change:
            goals = (self.assigned + assigned, self.refused + refused)
            reached = self._change.wait_for(
                lambda: (self.assigned >= goals[0] and self.refused >= goals[1]) or self._has_failed(), _PATIENCE
            )
        self._raise_failures()
        assert reached, f"{self.assigned} devices assigned, {self.refused} sent away, and then nothing"

    def __enter__(self) -> Self:
        self._running = [self._pool.submit(self._register_all) for _ in range(_CROWD)]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over = True
        self._pool.shutdown()
        if error is None:
            self._raise_failures()

    def _register_all(self) -> None:
        while not self._over:
            number = next(self._numbers)
            device = self._make(f"crowd-{number}")
            self.devices.append(device)
            is_assigned = _register(device, over_mqtt=bool(number % 2))
            with self._change:
                self.assigned += is_assigned
                self.refused += not is_assigned
                self._change.notify_all()
            if not is_assigned:
                time.sleep(_PAUSE)

    def _has_failed(self) -> bool:
        return any(each.done() for each in self._running)

    def _raise_failures(self) -> None:
        for each in self._running:
            if each.done():
                each.result()


def _register(device: Device, *, over_mqtt: bool) -> bool:
    """Whether it was assigned, and not sent away."""
    try:
        device.register_over_mqtt() if over_mqtt else device.register_over_https()
    except AssertionError as refusal:
        if not any(word in str(refusal) for word in _SENT_AWAY):
            raise
        return False
    return True
