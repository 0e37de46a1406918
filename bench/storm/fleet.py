"""The plan of a storm: when each device arrives, and by which client's rule it behaves. Repeatable by its seed.

The same plan is given to the model and to the real storm.
"""

import random
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.storm.clients import RetryRule, assigned

Shape = Callable[[random.Random, float], float]
"""When one device arrives, in seconds after the power has returned."""


def _all_at_once(rng: random.Random, seconds: float) -> float:
    """Within a second: clocks and cables are not that equal."""
    return rng.random()


def _boot(rng: random.Random, seconds: float) -> float:
    """Devices boot at once, some later than others: exponential, with that mean."""
    return rng.expovariate(1 / seconds)


def _ramp(rng: random.Random, seconds: float) -> float:
    """Power returns street by street: evenly over that time."""
    return rng.uniform(0, seconds)


SHAPES: Mapping[str, Shape] = {"at-once": _all_at_once, "boot": _boot, "ramp": _ramp}


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Arrival times, ascending, and the client of each device."""

    arrivals: "array[float]"
    clients: list[RetryRule]

    def __len__(self) -> int:
        return len(self.arrivals)


def make_fleet(count: int, *, shares: Mapping[str, float], shape: str, seconds: float, seed: int) -> Fleet:
    """So many devices; the same again for the same seed."""
    rng = random.Random(seed)
    arrive = SHAPES[shape]
    arrivals = array("d", sorted(arrive(rng, seconds) for _ in range(count)))
    return Fleet(arrivals=arrivals, clients=list(assigned(shares, count, rng)))
