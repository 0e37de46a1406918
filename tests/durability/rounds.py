"""Rounds of storm, death, restart and verification, all on one data directory.

Counterparts: `storm.py` and `verification.py`. Used by the suite (few rounds) and by `python -m tests.durability`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.durability.storm import Moment, rage
from tests.durability.verification import verify_database, verify_group, verify_operations
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.server_process import Deployment, ServerProcess


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round came to."""

    number: int
    moment: Moment
    devices: int
    operations: int
    """Operations whose ID had reached their device."""
    assignments: int
    """Assignments that had reached their device; all of them were there after the restart."""

    def __str__(self) -> str:
        told = f"{self.assignments} of {self.devices} assignments and {self.operations} operations were acknowledged"
        return f"round {self.number}: killed {self.moment}; {told}, and all are there"


def play(directory: Path, *, address: str, rounds: int, devices: int, seed: int) -> Iterator[Round]:
    """Play the rounds one by one; whatever is not as it should be ends them with an AssertionError."""
    chance = random.Random(seed)
    server = ServerProcess(directory, address)
    try:
        deployment = server.start()
        for number in range(1, rounds + 1):
            yield _play_one(server, deployment, number, devices, Moment.draw(chance, devices))
        server.stop()
    finally:
        server.end()
    _check_log(server.log())


def _play_one(server: ServerProcess, deployment: Deployment, number: int, count: int, moment: Moment) -> Round:
    group_id = f"storm-{number}"
    with Administrator(deployment) as administrator:
        key = administrator.enroll_group(group_id)
    devices = [Device(deployment, f"{group_id}-device-{each}", key) for each in range(count)]
    rage(server, devices, moment)
    server.start()
    with Administrator(deployment) as administrator:
        assignments = verify_group(administrator, group_id, devices)
    operations = verify_operations(devices)
    verify_database(server)
    return Round(number=number, moment=moment, devices=count, operations=operations, assignments=assignments)


def _check_log(log: str) -> None:
    assert "Traceback" not in log, log[-8000:]
    assert '"crashed"' not in log, log[-8000:]
