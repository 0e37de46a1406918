"""Reading an outcome: when a part of the fleet was provisioned, and how far two storms are apart."""

import math
from array import array

import pytest
from bench.storm.outcome import Outcome, largest_gap, percentile


def outcome(*provisioned_at: float, devices: float = 4, weight: float = 1) -> Outcome:
    return Outcome(
        devices=devices,
        weight=weight,
        provisioned_at=array("d", provisioned_at),
        connecting=array("d"),
        queued=array("d"),
        served=array("d"),
        answered=array("d", [0.1, 0.2, 0.3, 0.4]),
        attempts=4,
        handshakes=4,
        wasted_handshakes=0,
        refused=0,
        peak_handshakes=1,
        peak_provisioned=1,
    )


def test_percentiles() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    assert [percentile(values, part) for part in (0, 0.25, 0.5, 0.51, 0.99, 1)] == [1, 1, 2, 3, 4, 4]
    assert math.isnan(percentile([], 0.5))


def test_time_until_a_part_is_provisioned() -> None:
    storm = outcome(1, 2, 3)
    assert (storm.time_until(0.25), storm.time_until(0.5), storm.time_until(0.75)) == (1, 2, 3)
    assert storm.time_until(1) == math.inf
    assert storm.provisioned == 3
    assert storm.latency(0.5) == 0.2


def test_a_cohort_counts_as_all_its_devices() -> None:
    storm = outcome(1, 2, devices=400, weight=200)
    assert storm.provisioned == 400
    assert (storm.time_until(0.5), storm.time_until(0.51), storm.time_until(1)) == (1, 2, 2)
    assert storm.curve(2, until=2) == [(0, 0), (1, 0.5), (2, 1)]


def test_the_gap_between_two_curves_is_their_largest_distance() -> None:
    assert largest_gap(outcome(1, 2, 3, 4), outcome(1, 2, 3, 4)) == 0
    assert largest_gap(outcome(1, 2, 3, 4), outcome(3, 4, 5, 6)) == pytest.approx(0.5)
