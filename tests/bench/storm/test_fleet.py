"""When the devices of a plan arrive."""

import statistics

import pytest
from bench.storm.clients import MIXED
from bench.storm.fleet import SHAPES, Fleet, make_fleet


def fleet(shape: str, seed: int = 1) -> Fleet:
    return make_fleet(10_000, shares=MIXED, shape=shape, seconds=60, seed=seed)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_is_in_order_and_repeats_by_its_seed(shape: str) -> None:
    plan = fleet(shape)
    assert len(plan) == 10_000
    assert list(plan.arrivals) == sorted(plan.arrivals)
    assert plan == fleet(shape)
    assert plan != fleet(shape, seed=2)


def test_shapes_differ_in_how_long_they_take() -> None:
    assert max(fleet("at-once").arrivals) <= 1
    assert 59 < max(fleet("ramp").arrivals) <= 60
    assert statistics.mean(fleet("boot").arrivals) == pytest.approx(60, rel=0.05)
    assert max(fleet("boot").arrivals) > 300
