"""How many connections may wait in the kernel to be accepted, so that none waits longer than is worth it. Pure.

libuv accepts one connection at each turn of the event loop. So when more come than can be served, the loop stays in
time, those who have a connection are served, and the others wait in the listening socket's queue: at the queue's
length divided by the rate of accepting. That wait is what bounds the latency of whoever gets in. So a queue that does
not empty for a while (a standing queue, as in CoDel, RFC 8289) is made as short as is served in `PATIENCE`; whoever
finds it full is asked by his own kernel to come again after 1, 3, 7 seconds, which no SDK notices. (Some are reset
all the same, as with any backlog; probably by SYN cookies, which forget those that find the queue full.) Counterparts:
`accepting.py` measures and sets, `overload_watch.py` brings the two together.
"""

import math
from collections.abc import Sequence

PATIENCE = 0.75
"""How long a connection may wait to be accepted, in seconds."""

_INTERVAL = 0.5
_SMOOTHING = 0.5


class AcceptQueue:
    """`most` may wait on each listening socket while all is well, and `fewest` whatever happens."""

    def __init__(self, *, most: int, fewest: int) -> None:
        self._most = most
        self._fewest = fewest
        self._least_waiting = math.inf
        self._began_at: float | None = None
        self._counted = 0
        self._rate = 0.0
        self.backlog = most
        """How many may wait on each socket now."""

    def sampled(self, waiting: Sequence[int], *, accepted: int, now: float) -> None:
        """So many wait on each socket just now; `accepted` counts connections since the start."""
        if self._began_at is None:
            return self._begin(now, accepted)
        self._least_waiting = min(self._least_waiting, sum(waiting))
        elapsed = now - self._began_at
        if elapsed >= _INTERVAL:
            self._judge((accepted - self._counted) / elapsed, crowded=sum(map(bool, waiting)))
            self._begin(now, accepted)

    def _begin(self, now: float, accepted: int) -> None:
        self._began_at, self._counted, self._least_waiting = now, accepted, math.inf

    def _judge(self, rate: float, *, crowded: int) -> None:
        if self._least_waiting == 0:
            self._rate = 0.0
            self.backlog = min(self._most, self.backlog * 2)
            return
        self._rate = rate if self._rate == 0 else self._rate + _SMOOTHING * (rate - self._rate)
        self.backlog = max(self._fewest, min(self._most, int(self._rate * PATIENCE / max(crowded, 1))))
