"""What a round came to, from what its devices noted. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from failover.devices import Device

Pause = tuple[float, float]
"""From one moment to another."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One round. `struck` is the moment of the blow, `returned` that at which the machine took part again."""

    what: str
    struck: float
    returned: float
    silence: Pause | None
    """The longest pause between two accepted registrations; None if none followed the blow."""
    devices: int
    assigned: int
    left_open: int
    """Operations that waited for their hub, or for the worker that had claimed them, just before the blow."""
    troubles: Mapping[str, int]
    """What devices met instead of an answer, by kind, in the whole round."""
    faults: Sequence[str]
    """What is not as it should be; empty if all is well."""

    @property
    def pause(self) -> float | None:
        """How long no registration was accepted, in seconds."""
        return None if self.silence is None else self.silence[1] - self.silence[0]

    @property
    def served_after(self) -> float | None:
        """Seconds from the blow to the first registration that was accepted after the pause."""
        return None if self.silence is None else self.silence[1] - self.struck

    @property
    def whole_after(self) -> float:
        """Seconds from the blow until the machine, which was kept away until others were served, took part again."""
        return self.returned - self.struck


def longest_silence(moments: Iterable[float], *, since: float, until: float) -> Pause | None:
    """The longest pause between two moments, among those that end after `since` and begin before `until`."""
    pauses = [(begin, end) for begin, end in pairwise(sorted(moments)) if end > since and begin < until]
    return max(pauses, key=lambda pause: pause[1] - pause[0], default=None)


def accepted(devices: Iterable[Device]) -> list[float]:
    """When registrations were accepted."""
    return [moment for device in devices for moment in device.accepted_at]


def troubles(devices: Iterable[Device]) -> Counter[str]:
    """What devices met instead of an answer, by kind."""
    return Counter(trouble.what for device in devices for trouble in device.troubles)


def faulty_answers(devices: Iterable[Device]) -> list[str]:
    """Answers that the loss of a machine does not excuse: 500, and a 503 that does not say when to come back."""
    return [
        f"{count} answers were {what}"
        for what, count in troubles(devices).items()
        if what.startswith("500") or "without Retry-After" in what
    ]
