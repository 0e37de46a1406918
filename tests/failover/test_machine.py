"""A machine's processes die, hang and go on together, with children and with those that have left its tree."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from failover.machine import Machine
from failover.waiting import NotReached, wait_for

# A program with a child; both write the time into files of their own.
PROGRAM = """
import os, sys, time
name = "child" if os.fork() == 0 else "parent"
while True:
    with open(name + ".new", "w") as file:
        file.write(f"{os.getpid()} {time.monotonic_ns()}")
    os.replace(name + ".new", name)
    time.sleep(0.01)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(name="m", directory=tmp_path, programs={"program": [sys.executable, "-c", PROGRAM]})
    yield found
    found.kill()


def beat(machine: Machine) -> tuple[int, int]:
    """The newest sign of life of parent and child."""
    parent, child = (int((machine.directory / name).read_text().split()[1]) for name in ("parent", "child"))
    return parent, child


def start(machine: Machine) -> None:
    machine.start()
    wait_for("two processes", lambda: both(machine) or None, seconds=20)


def both(machine: Machine) -> bool:
    return all((machine.directory / name).exists() for name in ("parent", "child"))


def goes_on(machine: Machine, since: tuple[int, int]) -> Callable[[], bool | None]:
    return lambda: all(now > then for now, then in zip(beat(machine), since, strict=True)) or None


def stands_still(machine: Machine) -> bool:
    before = beat(machine)
    time.sleep(0.1)
    return beat(machine) == before


def test_a_killed_machine_has_no_process_left_and_can_be_started_again(machine: Machine) -> None:
    start(machine)
    pids = [(machine.directory / name).read_text().split()[0] for name in ("parent", "child")]
    machine.kill()
    assert stands_still(machine)
    wait_for("their end", lambda: not any(alive(pid) for pid in pids) or None, seconds=20)
    before = beat(machine)
    machine.start()
    assert wait_for("another life", goes_on(machine, before), seconds=20)


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_frozen_machine_stands_still_until_it_is_thawed(machine: Machine) -> None:
    start(machine)
    machine.freeze()
    assert stands_still(machine)
    before = beat(machine)
    machine.thaw()
    assert wait_for("life", goes_on(machine, before), seconds=20)


def test_a_frozen_machine_can_be_killed(machine: Machine) -> None:
    start(machine)
    machine.freeze()
    machine.kill()
    assert stands_still(machine)


def test_strays_share_their_machines_fate(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stray = Machine(name="s", directory=other, programs=machine.programs)
    start(stray)
    machine.strays = lambda: [int((other / "parent").read_text().split()[0])]
    start(machine)
    machine.kill()
    assert stands_still(stray)
    stray.kill()


def test_what_does_not_come_in_time_is_named() -> None:
    with pytest.raises(NotReached, match="a miracle was not there within 0 s"):
        wait_for("a miracle", lambda: None, seconds=0)
