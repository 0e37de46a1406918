"""Time and randomness: the system's, and the form in which times are stored."""

import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.clock import SystemClock, SystemRandomness, from_microseconds, to_microseconds

AWARE = st.datetimes(timezones=st.just(UTC))


@given(AWARE)
def test_microseconds_there_and_back(moment: datetime) -> None:
    assert from_microseconds(to_microseconds(moment)) == moment


@given(AWARE, AWARE)
def test_order_is_kept(one: datetime, other: datetime) -> None:
    assert (one < other) == (to_microseconds(one) < to_microseconds(other))


def test_the_epoch_and_a_zone() -> None:
    assert to_microseconds(datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == 1
    east = timezone(timedelta(hours=2))
    assert to_microseconds(datetime(1970, 1, 1, 2, tzinfo=east)) == 0
    assert from_microseconds(0).tzinfo is UTC


def test_a_naive_time_is_a_defect() -> None:
    with pytest.raises(TypeError):
        to_microseconds(datetime(2030, 1, 1))


def test_the_systems_clock_is_aware_and_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_the_systems_randomness() -> None:
    randomness = SystemRandomness()
    assert len(randomness.token(33)) == 33
    assert randomness.token(16) != randomness.token(16)
    guids = {randomness.guid() for _ in range(50)}
    assert len(guids) == 50
    for guid in guids:
        parsed = uuid.UUID(guid)
        assert (parsed.version, parsed.variant, str(parsed)) == (4, uuid.RFC_4122, guid)


_FORKING = """
import os
from homeport.clock import SystemRandomness

randomness = SystemRandomness()
randomness.guid()
if child := os.fork():
    os.waitpid(child, 0)
print("\\n".join(randomness.guid() for _ in range(1000)))
"""


def test_a_child_process_does_not_give_out_its_parents_guids() -> None:
    said = subprocess.run([sys.executable, "-c", _FORKING], capture_output=True, text=True, check=True).stdout
    guids = said.split()
    assert len(guids) == len(set(guids)) == 2000
