"""Throttles for tests: no limits but those that are given, on the machine's clock or on one that the test sets."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from homeport.clock import Clock, Randomness, SystemClock, SystemRandomness
from homeport.endpoints.throttling import Throttle, ThrottleRates


@dataclass
class SetClock:
    """A clock that a test sets."""

    seconds: float = 1_000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class SeededRandomness:
    """Chance that is the same in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def guid(self) -> str:
        return str(UUID(bytes=self.token(16), version=4))


def throttle(
    rates: ThrottleRates | None = None, *, clock: Clock | None = None, randomness: Randomness | None = None
) -> Throttle:
    """One on the machine's clock and randomness, unless told otherwise."""
    return Throttle(rates or ThrottleRates(), clock=clock or SystemClock(), randomness=randomness or SystemRandomness())
