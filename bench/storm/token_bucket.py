"""The limit of the model: a token bucket that tells whoever is refused when its turn would come.

Its counterparts in the server are `homeport/endpoints/token_buckets.py` and `return_times.py`; this one keeps what the
model needs of them. Whoever is refused is promised the next free turn behind all promises made before, so that a fleet
comes back spread as the server can take it; a queue of promises that becomes longer than the longest wait begins again.
"""

import math
import random

from bench.storm.deployment import Limit


class TokenBucket:
    """One worker's part of a limit."""

    def __init__(self, limit: Limit, *, workers: int, rng: random.Random) -> None:
        self._limit = limit
        self._rng = rng
        self._rate = limit.per_second / workers
        self._depth = max(1.0, self._rate * limit.burst_seconds)
        self._tokens = self._depth
        self._filled_at = 0.0
        self._promised_until = 0.0

    def take(self, now: float) -> float:
        """0 when the registration is admitted, else the whole seconds after which to ask again."""
        self._tokens = min(self._depth, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        self._promised_until = max(now, self._promised_until) + 1 / self._rate
        horizon = (self._limit.longest_retry_after - 1) / (1 + self._limit.jitter)
        if self._promised_until - now > horizon:
            self._promised_until = now + 1 / self._rate
        wait = self._promised_until - now
        wait += (1 + wait * self._limit.jitter) * self._rng.random()
        return float(max(1, min(self._limit.longest_retry_after, math.ceil(wait))))
