"""What the limit of the model tells those whom it refuses."""

import random
from collections import Counter

from bench.storm.deployment import Limit
from bench.storm.token_bucket import TokenBucket


def bucket(per_second: float, burst_seconds: float, **more: float) -> TokenBucket:
    limit = Limit(per_second=per_second, burst_seconds=burst_seconds, **more)
    return TokenBucket(limit, workers=1, rng=random.Random(1))


def test_a_burst_passes_and_then_the_rate_does() -> None:
    ten_a_second = bucket(10, 2)
    assert [ten_a_second.take(0) for _ in range(20)] == [0] * 20
    assert ten_a_second.take(0) > 0
    assert ten_a_second.take(0.1) == 0


def test_those_who_are_refused_at_once_come_back_one_after_the_other() -> None:
    ten_a_second = bucket(10, 0.1)
    ten_a_second.take(0)
    promises = Counter(int(ten_a_second.take(0)) for _ in range(1_000))
    assert max(promises) <= 112  # 100 s of work, rounded up and jittered
    assert all(count <= 20 for count in promises.values())


def test_a_wait_is_never_longer_than_the_c_client_understands() -> None:
    slow = bucket(1, 1)
    assert max(slow.take(0) for _ in range(10_000)) <= 300
