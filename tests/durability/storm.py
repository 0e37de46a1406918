"""A registration storm, and the server's death in the middle of it.

The moment is random and can be had again: the seed decides after how many finished devices the signal goes out,
and how long after that. What each device had been told by then is kept.
"""

import random
import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tests.sockets.devices import Device
from tests.sockets.raw_http import ConnectionEnded
from tests.sockets.server_process import ServerProcess

_CROWD = 24
_MAX_DELAY = 0.03
# What a device meets when its server dies: refused, reset, or cut off in the middle of an answer.
_CUT_OFF = (OSError, ssl.SSLError, ConnectionEnded)


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after so many devices were assigned."""

    after_devices: int
    delay: float

    @classmethod
    def draw(cls, chance: random.Random, devices: int) -> "Moment":
        """A moment from the first connection to the last."""
        return cls(chance.randrange(devices), chance.uniform(0, _MAX_DELAY))

    def __str__(self) -> str:
        return f"{self.delay * 1000:.1f} ms after device {self.after_devices}"


def rage(server: ServerProcess, devices: Sequence[Device], moment: Moment) -> None:
    """Register all devices at once, half of them over MQTT, and kill the server at the moment."""
    dead = threading.Event()
    with ThreadPoolExecutor(_CROWD) as crowd:
        running = [crowd.submit(_register, device, number % 2 == 0, dead) for number, device in enumerate(devices)]
        finished = as_completed(running)
        for _ in range(moment.after_devices):
            next(finished).result()
        time.sleep(moment.delay)
        server.kill()
        dead.set()
    for each in running:
        each.result()


def _register(device: Device, over_mqtt: bool, dead: threading.Event) -> None:
    if dead.is_set():
        return
    try:
        device.register_over_mqtt() if over_mqtt else device.register_over_https()
    except _CUT_OFF:
        # The signal goes out before the event is set; a connection that breaks earlier was not broken by us.
        assert dead.wait(timeout=5), "the server cut a device off while it was alive"
