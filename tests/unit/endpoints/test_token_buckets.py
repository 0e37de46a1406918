"""Never more than a bucket holds and than runs into it; and never more keys than may be remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.endpoints.token_buckets import Rate, TokenBuckets

RATES = st.builds(Rate, st.integers(1, 500).map(float), st.floats(0.1, 600))
STEPS = st.lists(st.floats(0, 30), min_size=1, max_size=200)
NOW = 1_000.0


def admitted(buckets: TokenBuckets[str], key: str, now: float) -> bool:
    """Take a token if there is one."""
    if buckets.wait(key, now):
        return False
    buckets.take(key, now)
    return True


@given(RATES, STEPS)
def test_never_more_than_the_burst_and_what_runs_in(rate: Rate, steps: list[float]) -> None:
    buckets: TokenBuckets[str] = TokenBuckets(rate, keys=10)
    now, count = NOW, 0
    for step in steps:
        now += step
        count += admitted(buckets, "device", now)
        assert count <= rate.count + (now - NOW) / rate.interval + 0.01


@given(RATES, STEPS)
def test_whoever_waits_as_long_as_is_said_is_admitted(rate: Rate, steps: list[float]) -> None:
    buckets: TokenBuckets[str] = TokenBuckets(rate, keys=10)
    now = NOW
    for step in steps:
        now += step
        wait = buckets.wait("device", now)
        assert 0 <= wait <= rate.seconds * (1 + 1e-9)  # what times of the clock are rounded by
        now += wait
        assert admitted(buckets, "device", now)


@given(RATES, st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 2)), max_size=200))
def test_what_is_forgotten_in_time_was_full(rate: Rate, steps: list[tuple[str, float]]) -> None:
    """Two generations of keys admit what a table without end would."""
    bounded: TokenBuckets[str] = TokenBuckets(rate, keys=1_000)
    unbounded = {key: TokenBuckets[str](rate, keys=1_000) for key in "abcdef"}
    now = NOW
    for key, step in steps:
        now += step
        assert bounded.wait(key, now) == pytest.approx(unbounded[key].wait(key, now), abs=1e-5)
        assert admitted(bounded, key, now) == admitted(unbounded[key], key, now)


def test_a_burst_and_then_one_at_a_time() -> None:
    buckets: TokenBuckets[str] = TokenBuckets(Rate(5, 10), keys=10)
    assert [admitted(buckets, "device", NOW) for _ in range(6)] == [True] * 5 + [False]
    assert buckets.wait("device", NOW) == pytest.approx(2.0, abs=1e-5)
    assert [admitted(buckets, "device", NOW + later) for later in (1.9, 2.0, 3.9, 4.0)] == [False, True, False, True]


def test_keys_have_nothing_to_do_with_one_another() -> None:
    buckets: TokenBuckets[str] = TokenBuckets(Rate(1, 60), keys=10)
    assert admitted(buckets, "one", NOW)
    assert admitted(buckets, "other", NOW)
    assert not admitted(buckets, "one", NOW)


def test_a_share_of_less_than_one_still_admits_one() -> None:
    buckets: TokenBuckets[str] = TokenBuckets(Rate(1, 60).divided(4), keys=10)
    assert [admitted(buckets, "device", NOW + later) for later in (0, 239, 240)] == [True, False, True]


def test_a_look_leaves_no_trace() -> None:
    buckets: TokenBuckets[str] = TokenBuckets(Rate(1, 60), keys=10)
    for key in map(str, range(100)):
        assert not buckets.wait(key, NOW)
    assert len(buckets) == 0


def test_so_many_keys_and_no_more() -> None:
    buckets: TokenBuckets[int] = TokenBuckets(Rate(1, 60), keys=100)
    for key in range(10_000):
        buckets.take(key, NOW)
        assert len(buckets) <= 101


def test_those_who_were_last_are_remembered() -> None:
    buckets: TokenBuckets[int] = TokenBuckets(Rate(1, 60), keys=100)
    for key in range(1_000):
        buckets.take(key, NOW)
    assert all(buckets.wait(key, NOW) for key in range(950, 1_000))


def test_whoever_is_gone_for_a_period_is_forgotten() -> None:
    buckets: TokenBuckets[int] = TokenBuckets(Rate(1, 60), keys=1_000_000)
    for key in range(100):
        buckets.take(key, NOW)
    buckets.take(100, NOW + 61)
    buckets.take(101, NOW + 122)
    assert len(buckets) == 2


def test_a_slower_rate_keeps_what_was_taken() -> None:
    buckets: TokenBuckets[str] = TokenBuckets(Rate(10, 1), keys=10)
    for _ in range(10):
        buckets.take("all", NOW)
    buckets.change_rate(Rate(2, 1))
    assert buckets.wait("all", NOW) == pytest.approx(0.5, abs=1e-5)
