"""Token buckets: how often something may happen, for each of many keys. Pure; the time comes in as an argument.

A bucket is one number: the time at which it will be full again. That is the generic cell rate algorithm (ITU-T
I.371, annex A), which admits what a bucket admits that is refilled all the time, and needs nobody to refill it.
Memory is bounded by two generations of keys: whoever has taken nothing for a whole period has a full bucket, and
of a full bucket nothing has to be known. Counterpart: `throttling.py`, which knows what is counted and whose it is.
"""

from typing import Generic, TypeVar

import msgspec

K = TypeVar("K")

# What sums of floating point numbers may be wrong by; far below any wait that can be told.
_ROUNDING = 1e-6


class Rate(msgspec.Struct, frozen=True):
    """`count` in `seconds`: as many at once, and then one every `seconds / count`."""

    count: float
    seconds: float

    @property
    def interval(self) -> float:
        """Seconds from one to the next, once the bucket is empty."""
        return self.seconds / self.count

    def divided(self, parts: int) -> "Rate":
        """The share of one of several processes that count each for itself."""
        return Rate(self.count / parts, self.seconds)


class TokenBuckets(Generic[K]):
    """A bucket for each key, of which about `keys` are remembered.

    With more of them, those that took something longest ago are forgotten, as if their buckets were full.
    """

    def __init__(self, rate: Rate, *, keys: int) -> None:
        self.change_rate(rate)
        self._most = max(keys // 2, 1)
        self._recent: dict[K, float] = {}
        self._earlier: dict[K, float] = {}
        self._ends_at = 0.0

    def __len__(self) -> int:
        return len(self._recent) + len(self._earlier)

    def change_rate(self, rate: Rate) -> None:
        """From now on this rate; what was taken stays taken."""
        self.interval = rate.interval
        # A bucket holds one token at least, or nobody would ever be admitted.
        self._tolerance = max(rate.seconds - self.interval, 0.0) + _ROUNDING
        self._period = max(rate.seconds, self.interval)

    def wait(self, key: K, now: float) -> float:
        """Seconds until the key may take a token; 0 if it may now. Leaves no trace of the key."""
        full_at = self._recent.get(key) or self._earlier.get(key, now)
        return max(full_at - self._tolerance - now, 0.0)

    def take(self, key: K, now: float) -> None:
        """Take a token, which is there: the key's `wait` is 0."""
        recent = self._recent
        full_at = recent.get(key) or self._earlier.get(key, now)
        if now >= self._ends_at or len(recent) >= self._most:
            self._earlier, self._recent = (recent if now < self._ends_at + self._period else {}), {}
            self._ends_at = now + self._period
            recent = self._recent
        recent[key] = (full_at if full_at > now else now) + self.interval
