"""How long was there silence, what did devices meet, and which answers nothing excuses."""

import random

import pytest
from bench.storm.clients import CLIENTS
from failover.devices import Device, Trouble
from failover.outcome import Outcome, accepted, faulty_answers, longest_silence, troubles


def device(*met: str, accepted_at: tuple[float, ...] = ()) -> Device:
    found = Device(registration_id="d", token="", rule=CLIENTS["python-mqtt"], rng=random.Random(1))
    found.troubles = [Trouble(1.0, what) for what in met]
    found.accepted_at = list(accepted_at)
    return found


def test_the_longest_pause_after_the_blow_is_the_silence() -> None:
    moments = [1.0, 2.0, 10.0, 10.5, 31.0, 32.0]
    assert longest_silence(moments, since=9.0, until=99.0) == (10.5, 31.0)


def test_a_pause_that_began_before_the_blow_counts_if_it_ends_after_it() -> None:
    assert longest_silence([1.0, 9.0, 30.0], since=10.0, until=99.0) == (9.0, 30.0)


def test_a_longer_pause_before_the_blow_does_not_count() -> None:
    assert longest_silence([0.0, 50.0, 51.0, 53.0], since=50.5, until=99.0) == (51.0, 53.0)


def test_a_longer_pause_after_the_machine_is_back_does_not_count() -> None:
    assert longest_silence([0.0, 5.0, 6.0, 50.0], since=1.0, until=5.5) == (0.0, 5.0)


@pytest.mark.parametrize("moments", [[], [1.0], [1.0, 2.0]])
def test_without_a_registration_after_the_blow_there_is_no_end(moments: list[float]) -> None:
    assert longest_silence(moments, since=5.0, until=99.0) is None


def test_all_registrations_of_a_device_that_began_again_are_moments() -> None:
    assert accepted([device(accepted_at=(1.0, 4.0)), device(), device(accepted_at=(2.0,))]) == [1.0, 4.0, 2.0]


def test_troubles_are_counted_by_kind() -> None:
    assert troubles([device("503", "cut off"), device("503")]) == {"503": 2, "cut off": 1}


def test_a_503_with_retry_after_is_excused_a_500_and_a_503_without_are_not() -> None:
    devices = [device("503", "CONNACK 3", "cut off", "no answer", "refused")]
    assert faulty_answers(devices) == []
    found = faulty_answers([*devices, device("500", "503 without Retry-After")])
    assert found == ["1 answers were 500", "1 answers were 503 without Retry-After"]


def test_times_count_from_the_blow() -> None:
    outcome = Outcome(
        what="w",
        struck=100.0,
        returned=150.0,
        silence=(99.0, 120.0),
        devices=1,
        assigned=1,
        left_open=0,
        troubles={},
        faults=(),
    )
    assert (outcome.served_after, outcome.whole_after) == (20.0, 50.0)
