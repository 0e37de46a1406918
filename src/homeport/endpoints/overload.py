"""How many handshakes may be under way, judged by how late the event loop is. Pure; samples come in as arguments.

When there is more to do than can be done, each turn of the event loop becomes longer, and with it everything that
takes several turns. A handshake costs most, and whoever has not begun loses least by waiting. So those that have begun
are served first (a device that polls among them), and new ones wait, as many as it takes for the loop to be in time.
The judgement is CoDel's (RFC 8289, section 3): a lag counts only when it stays above the target for a whole interval.
The answer is that of TCP: fewer by a third, then more again little by little. Counterpart: `overload_watch.py`.

They wait and are not refused, because that is what the SDKs have patience for (device-protocol notes, A to C): a
connection that waits for its ServerHello is given 30 seconds by Node and Python, 90 by Java, and any time by C; one
that is closed is an error at once in all of them, and a 429 in half: Node over HTTPS and AMQP, C over AMQP, C#, Java.
Only who waits in vain as long as a handshake may take is closed. Should the loop be late although hardly a handshake
has begun, it is devices on connections that they have: their registrations are bounded by what was served a moment
ago, and the others are told 429, which those who keep a connection (MQTT) wait out on it.
"""

import math

# CoDel's interval: long enough for what is under way to be answered.
INTERVAL = 0.1

_DECREASE = 2 / 3
_INCREASE = 1.15
_FEWEST = 4
# So late although no handshakes are begun: then it is not the handshakes.
_TOO_LATE = 4
_MARGIN = 0.9
_SMOOTHING = 0.3


class OverloadControl:
    """`most` handshakes may be under way while all is well; `target` is in seconds, and 0 lets all be well always."""

    def __init__(self, *, target: float, most: int) -> None:
        self._target = target if target > 0 else math.inf
        self._most = most
        self._least_lag = math.inf
        self._began_at: float | None = None
        self._counted = 0
        self._served = 0.0
        self._least_rate = 1.0
        self.handshakes: int = most
        """How many handshakes may be under way now."""
        self.registrations_per_second: float | None = None
        """How many registrations may be admitted now; None for any number."""

    @property
    def is_overloaded(self) -> bool:
        """Whether less is admitted than could be on a good day."""
        return self.handshakes < self._most

    def sampled(self, lag: float, *, now: float, under_way: int, registered: int) -> None:
        """The loop came so late just now, in seconds, with so many handshakes under way; `registered` counts the
        registrations since the start."""
        if self._began_at is None:
            self._begin(now, registered)
        self._least_lag = min(self._least_lag, lag)
        elapsed = now - (self._began_at or 0.0)
        if elapsed < INTERVAL:
            return
        rate = (registered - self._counted) / elapsed
        self._served += _SMOOTHING * (rate - self._served)
        if self._least_lag > self._target:
            self._admit_fewer(under_way)
        else:
            self._admit_more()
        self._begin(now, registered)

    def _begin(self, now: float, registered: int) -> None:
        self._began_at, self._counted, self._least_lag = now, registered, math.inf

    def _admit_fewer(self, under_way: int) -> None:
        if self.handshakes == _FEWEST and self._least_lag > _TOO_LATE * self._target:
            self._bound_registrations()
        # From what there is, and not from what there might be: the first step must be felt.
        self.handshakes = max(_FEWEST, int(min(self.handshakes, under_way) * _DECREASE))

    def _bound_registrations(self) -> None:
        """Fewer than were served, but not fewer and fewer for ever, since it may be others who keep the loop busy."""
        if self.registrations_per_second is None:
            self._least_rate = max(self._served / 2, 1.0)
        self.registrations_per_second = max(self._served * _MARGIN, self._least_rate)

    def _admit_more(self) -> None:
        self.handshakes = min(self._most, int(self.handshakes * _INCREASE) + 1)
        allowed = self.registrations_per_second
        if allowed is not None:
            # Twice what is asked for is no limit any more.
            allowed *= _INCREASE
            self.registrations_per_second = None if allowed > 2 * max(self._served, 1.0) else allowed
