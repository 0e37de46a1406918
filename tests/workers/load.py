"""Devices without end, on real sockets: a crowd registers one after another, half of them over MQTT, until it is told
to stop. A device that is cut off tries again, as its SDK does; what each has been told is kept.
"""

import itertools
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tests.sockets.devices import Device
from tests.sockets.raw_http import ConnectionEnded
from tests.sockets.server_process import Deployment

_TRIES = 4
_CUT_OFF = (OSError, ssl.SSLError, ConnectionEnded)


class Load:
    """The crowd; as a context manager it registers until the end of the block. What fails for good is raised there."""

    def __init__(self, deployment: Deployment, group_id: str, group_key: str, *, crowd: int = 12) -> None:
        self.cut_off: list[str] = []
        """The errors of those that had to try again."""
        self._new = (Device(deployment, f"{group_id}-device-{number}", group_key) for number in itertools.count())
        self._begun: list[Device] = []
        self._assigned = 0
        self._change = threading.Condition()
        self._over = False
        self._pool = ThreadPoolExecutor(crowd)
        self._crowd = crowd
        self._running: list[Future[None]] = []

    @property
    def devices(self) -> list[Device]:
        """All that have begun."""
        with self._change:
            return list(self._begun)

    @property
    def assigned(self) -> int:
        """How many have been told their hub."""
        return self._assigned

    def wait_for(self, more: int) -> None:
        """Until so many more devices are assigned."""
        with self._change:
            goal = self._assigned + more
            assert self._change.wait_for(lambda: self._assigned >= goal or self._has_failed(), timeout=60)
        self._raise_failures()

    def __enter__(self) -> Self:
        self._running = [self._pool.submit(self._register_all) for _ in range(self._crowd)]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over = True
        self._pool.shutdown()
        if error is None:
            self._raise_failures()

    def _register_all(self) -> None:
        for device in self._next():
            self._register(device)
            with self._change:
                self._assigned += 1
                self._change.notify_all()

    def _next(self) -> Iterator[Device]:
        while not self._over:
            with self._change:
                device = next(self._new)
                self._begun.append(device)
            yield device

    def _register(self, device: Device) -> None:
        over_mqtt = hash(device.registration_id) % 2
        for _ in range(_TRIES - 1):
            try:
                device.register_over_mqtt() if over_mqtt else device.register_over_https()
                return
            except _CUT_OFF as error:
                self.cut_off.append(f"{'mqtt' if over_mqtt else 'https'}: {error!r}")
        device.register_over_mqtt() if over_mqtt else device.register_over_https()

    def _has_failed(self) -> bool:
        return any(each.done() and each.exception() for each in self._running)

    def _raise_failures(self) -> None:
        for each in self._running:
            if each.done():
                each.result()
