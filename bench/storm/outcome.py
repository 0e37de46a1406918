"""What came of a storm, simulated or real: when devices were provisioned, how long they waited, what was wasted."""

import bisect
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(ascending: Sequence[float], fraction: float) -> float:
    """The smallest value that so large a part of them does not exceed; NaN where there are none."""
    return ascending[max(0, math.ceil(fraction * len(ascending)) - 1)] if ascending else math.nan


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A storm's result. A simulated device may stand for several, `weight` of them; all counts are of real devices.

    All arrays are ascending. Of the attempt that succeeded, `connecting` is how long it took until TCP had a connection
    (a full accept queue drops the SYN, which is repeated after 1, 3, 7 … s), `queued` how long the connection then
    waited for the server to begin its handshake, and `served` how long the device waited for the server from
    then on: until the answer to its registration, and for each poll. `answered` is the latter two together: the latency
    of a registration that was admitted. The pauses that the device makes itself are in none of them.
    """

    devices: float
    weight: float
    provisioned_at: "array[float]"
    connecting: "array[float]"
    queued: "array[float]"
    served: "array[float]"
    answered: "array[float]"
    attempts: float
    """Connections that were begun."""
    handshakes: float
    """Handshakes that the server did."""
    wasted_handshakes: float
    """Handshakes whose device was gone before it registered, or that ended in a refusal and a closed connection."""
    refused: float
    """Registrations answered with 429."""
    peak_handshakes: float
    """In a second, over all nodes."""
    peak_provisioned: float
    peak_connections: float = math.nan

    @property
    def provisioned(self) -> float:
        """How many devices made it."""
        return len(self.provisioned_at) * self.weight

    def time_until(self, fraction: float) -> float:
        """Seconds until that part of all devices was provisioned; infinite when it never was."""
        needed = max(1, math.ceil(fraction * self.devices / self.weight - 1e-9))
        return self.provisioned_at[needed - 1] if needed <= len(self.provisioned_at) else math.inf

    def latency(self, fraction: float) -> float:
        """How long so large a part of the devices, once connected, waited for all answers together at most."""
        return percentile(self.answered, fraction)

    def curve(self, points: int = 200, *, until: float | None = None) -> list[tuple[float, float]]:
        """Seconds, and the part of all devices provisioned by then."""
        end = (self.provisioned_at[-1] if self.provisioned_at else 1.0) if until is None else until
        times = [end * step / points for step in range(points + 1)]
        done = self.provisioned_at
        return [(time, bisect.bisect_right(done, time) * self.weight / self.devices) for time in times]


def largest_gap(left: Outcome, right: Outcome, points: int = 1_000) -> float:
    """How far the curves of two storms are apart at most, as a part of all devices (Kolmogorov and Smirnov's)."""
    end = max(each.provisioned_at[-1] for each in (left, right) if each.provisioned_at)
    pairs = zip(left.curve(points, until=end), right.curve(points, until=end), strict=True)
    return max(abs(mine - theirs) for (_, mine), (_, theirs) in pairs)
