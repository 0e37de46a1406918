"""How long a connection may live: keep-alive and a fixed end, on one wake-up and without a clock.

A packet only raises a flag; time is counted in wake-ups, each as long as it was asked for. So a busy connection
costs no timer, and a silent one is found after 1.5 to 2 keep-alive intervals (MQTT 3.1.1, 3.1.2.10 asks for 1.5 at
least).
"""

_BEATS_PER_INTERVAL = 2
_SILENT_BEATS = 3


class Liveness:
    """One connection's limits in seconds; `keep_alive` 0 and `expires_in` None mean none.

    `at_expiry` is the reason to give when the fixed end has come.
    """

    __slots__ = ("_at_expiry", "_beat", "_heard", "_remaining", "_silence", "_step")

    def __init__(self, *, keep_alive: float = 0, expires_in: float | None = None, at_expiry: str = "") -> None:
        self._beat = keep_alive / _BEATS_PER_INTERVAL
        self._remaining = None if expires_in is None else max(expires_in, 0.0)
        self._at_expiry = at_expiry
        self._silence = 0.0
        self._heard = False
        self._step: float | None = None

    def heard(self) -> None:
        """The peer has sent something."""
        self._heard = True

    def next_wakeup(self) -> float | None:
        """When to look again, in seconds; None if there is nothing to watch."""
        limits = [limit for limit in (self._beat or None, self._remaining) if limit is not None]
        self._step = min(limits, default=None)
        return self._step

    def verdict(self) -> str:
        """Called at the wake-up: the reason to close the connection, or an empty text to let it live."""
        step = self._step or 0.0
        if self._remaining is not None:
            self._remaining = max(self._remaining - step, 0.0)
            if not self._remaining:
                return self._at_expiry
        self._silence = 0.0 if self._heard else self._silence + step
        self._heard = False
        if self._beat and self._silence >= self._beat * _SILENT_BEATS:
            return "silent for longer than its keep-alive"
        return ""
