"""`kill -9` in the middle of a registration storm: nothing that a device was told is lost, and nothing is there twice.

Three rounds, always with other moments; a failure prints them. The whole is `make durability`.
"""

import secrets
from pathlib import Path

from tests.durability.rounds import play
from tests.loopback import Network, address

ROUNDS = 3
DEVICES = 100


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    seed = secrets.randbelow(1_000_000)
    print(f"seed {seed}")
    played = list(play(tmp_path, address=address(Network.DURABILITY), rounds=ROUNDS, devices=DEVICES, seed=seed))
    for each in played:
        print(each)
    # Were nothing acknowledged, nothing would have been proved.
    assert sum(each.assignments for each in played) >= sum(each.moment.after_devices for each in played)
