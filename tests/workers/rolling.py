"""A rolling restart under load: SIGHUP again and again while devices register, and nobody fails.

Used by the suite (a few hundred devices) and by `python -m tests.workers` (10,000).
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
from tests.durability.verification import verify_database, verify_group
from tests.sockets.api import Administrator
from tests.workers.load import Load
from tests.workers.node import running

_GROUP = "rolling"


class Rolled(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Nobody failed, or it would have been an AssertionError or the device's own error."""

    devices: int
    rolls: int
    cut_off: list[str]
    """The errors of devices that had to try again."""

    def __str__(self) -> str:
        return (
            f"{self.devices} devices registered during {self.rolls} rolling restarts of two workers: 0 failed, "
            f"{len(self.cut_off)} had to try again"
        )


def play(directory: Path, *, devices: int, progress: Callable[[int], None] = lambda _: None) -> Rolled:
    """Roll until so many devices are registered. `progress` is told how many are, now and then."""
    rolls = 0
    with running(directory) as node:
        with Administrator(node.deployment) as administrator:
            key = administrator.enroll_group(_GROUP)
        with Load(node.deployment, _GROUP, key) as load:
            while load.assigned < devices or not rolls:
                load.wait_for(10)
                node.roll()
                rolls += 1
                progress(load.assigned)
        with Administrator(node.deployment) as administrator:
            assert verify_group(administrator, _GROUP, load.devices) == len(load.devices)
        verify_database(node.server)
    return Rolled(devices=load.assigned, rolls=rolls, cut_off=load.cut_off)
