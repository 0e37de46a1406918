"""The admission of the model: a token bucket that tells whoever is refused when its turn would come.

Its counterpart in the server is `homeport/endpoints/admission.py`; this one keeps what the model needs of it. Whoever
is refused is promised the next free turn behind all promises made before, so that a fleet comes back spread as the
server can take it, and not all in a second's time.
"""

import random

from bench.storm.deployment import Admission


class TokenBucket:
    """One worker's registrations; `rate` is what the worker could do a second."""

    def __init__(self, admission: Admission, rate: float, rng: random.Random) -> None:
        self._admission = admission
        self._rng = rng
        self._rate = rate * admission.share
        self._depth = max(1.0, self._rate * admission.burst_seconds)
        self._tokens = self._depth
        self._filled_at = 0.0
        self._promised_until = 0.0

    def take(self, now: float) -> float:
        """0 when the registration is admitted, else the seconds after which to ask again."""
        self._tokens = min(self._depth, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        self._promised_until = max(now, self._promised_until) + 1 / self._rate
        wait = (self._promised_until - now) * (1 + self._rng.uniform(0, self._admission.spread))
        return float(min(self._admission.longest_retry_after, max(1, round(wait))))
