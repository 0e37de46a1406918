"""Those who were refused are told times that spread them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.throttles import SeededRandomness

from homeport.endpoints.return_times import ReturnTimes

NOW = 1_000.0


def times(*, longest: int = 300, keys: int = 10) -> ReturnTimes[str]:
    return ReturnTimes(longest=longest, randomness=SeededRandomness(), keys=keys)


def test_one_after_the_other() -> None:
    queue = times()
    told = [queue.next("all", wait=0.5, interval=0.01, now=NOW) for _ in range(20_000)]
    per_second = Counter(told)
    assert max(told) <= 230
    assert max(per_second.values()) <= 200
    assert min(count for second, count in per_second.items() if 2 < second < 180) >= 50


def test_a_queue_that_is_too_long_is_spread_over_its_second_half() -> None:
    queue = times(longest=60)
    told = Counter(queue.next("all", wait=0, interval=0.01, now=NOW) for _ in range(15_000))
    assert max(told) <= 60
    assert max(told[second] for second in range(1, 30)) <= 200
    # Nine thousand more than there are places, on thirty seconds.
    assert max(told.values()) <= 100 + 300 + 150


def test_a_queue_moves_up() -> None:
    queue = times()
    assert queue.next("all", wait=0, interval=100, now=NOW) <= 2
    assert 100 <= queue.next("all", wait=0, interval=100, now=NOW) <= 111
    assert queue.next("all", wait=0, interval=100, now=NOW + 1_000) <= 2


def test_each_key_has_its_queue() -> None:
    queue = times()
    assert max(queue.next(key, wait=0, interval=100, now=NOW) for key in "abc") <= 2


@given(st.floats(0, 10_000), st.integers(1, 300))
def test_never_at_once_and_never_too_late(wait: float, longest: int) -> None:
    queue = times(longest=longest)
    for _ in range(5):
        assert 1 <= queue.alone(wait) <= longest
        assert 1 <= queue.next("all", wait=wait, interval=1, now=NOW) <= longest


@given(st.floats(0, 250))
def test_nobody_is_called_too_early(wait: float) -> None:
    assert times().alone(wait) >= wait


def test_so_many_queues_and_no_more() -> None:
    queue = times(keys=10)
    for key in range(1_000):
        queue.next(str(key), wait=0, interval=1, now=NOW)
    assert len(vars(queue)["_last"]) <= 10
