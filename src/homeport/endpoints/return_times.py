"""When those who were refused shall come back: one after the other, as there will be room. Pure.

Whoever is told the time at which the next token is due comes back together with all others who were told so. So each
is told the place behind the last one, as in a queue, which the bucket then serves at its rate; a little chance takes
the edge off the rounding. Who waits for nobody but himself gets more of it, since others do so at the same time.
Seconds are whole: so HTTP (RFC 9110, section 10.2.3), MQTT's topics and AMQP's properties have them, and the SDKs read
nothing else. Counterpart: `throttling.py`.
"""

import math
from typing import Generic, TypeVar

from homeport.clock import Randomness

K = TypeVar("K")

# What whole seconds would otherwise bring into step.
_SECOND = 1.0
# Of the wait of whoever waits alone. In a queue it would have devices change places, and meet at a token.
_JITTER = 0.1


class ReturnTimes(Generic[K]):
    """The queues of those who come back, one for each key.

    `longest` is the longest wait that is ever told. Of a queue that is longer, the rest is spread over the places of
    its second half: then several come back for each token, but still evenly. Not over the first half: whoever comes in
    vain gets a place at the end, and would meet those again who are next.
    """

    def __init__(self, *, longest: int, randomness: Randomness, keys: int) -> None:
        self._longest = longest
        self._randomness = randomness
        self._keys = keys
        self._last: dict[K, float] = {}

    def alone(self, wait: float) -> int:
        """Seconds for somebody who waits for nobody but himself, such as a device at its own limit."""
        return self._told(wait, _SECOND + wait * _JITTER)

    def next(self, key: K, *, wait: float, interval: float, now: float) -> int:
        """Seconds for the next one in the key's queue, whose head is due in `wait`, and then one each `interval`."""
        horizon = max(self._longest - _SECOND, _SECOND)
        place = max(self._last.get(key, 0.0) + interval, now + wait)
        if place - now > 2 * horizon:
            place -= horizon
        if len(self._last) >= self._keys:
            # Queues begin again; nobody is admitted sooner or later for it.
            self._last.clear()
        self._last[key] = place
        ahead = place - now
        if ahead > horizon:
            ahead = max((horizon + (ahead - horizon) % horizon) / 2, wait)
        return self._told(ahead, _SECOND)

    def _told(self, wait: float, jitter: float) -> int:
        chance = int.from_bytes(self._randomness.token(2)) / 0x10000
        return max(1, min(math.ceil(wait + jitter * chance), self._longest))
