"""How long a connection may live, and when it has to say that it lives: on one wake-up and without a clock.

A frame only raises a flag; time is counted in wake-ups, each as long as it was asked for. So a busy connection
costs no timer. `idle_limit` is twice what we announce as our idle time-out (2.4.5 asks for that margin), and
`heartbeat` half of what the peer has announced.
"""

_BEATS_PER_LIMIT = 2


class Liveness:
    """One connection's limits in seconds; 0 and None mean none. `at_expiry` is the reason when the end has come."""

    __slots__ = ("_at_expiry", "_beat", "_heard", "_heartbeat", "_remaining", "_silence", "_step", "_unsaid")

    def __init__(self, *, idle_limit: float = 0, expires_in: float | None = None, at_expiry: str = "") -> None:
        self._beat = idle_limit / _BEATS_PER_LIMIT
        self._remaining = None if expires_in is None else max(expires_in, 0.0)
        self._at_expiry = at_expiry
        self._heartbeat = 0.0
        self._silence = 0.0
        self._unsaid = 0.0
        self._heard = False
        self._step = 0.0

    def heard(self) -> None:
        """The peer has sent something."""
        self._heard = True

    def say_every(self, heartbeat: float) -> "Liveness":
        """The peer wants to hear from us that often; 0 for never."""
        self._heartbeat = heartbeat
        return self

    def next_wakeup(self) -> float | None:
        """When to look again, in seconds; None if there is nothing to watch."""
        limits = [limit for limit in (self._beat, self._heartbeat) if limit]
        if self._remaining is not None:
            limits.append(self._remaining)
        self._step = min(limits, default=0.0)
        return self._step if limits else None

    def verdict(self) -> str:
        """Called at the wake-up: the reason to close the connection, or an empty text to let it live."""
        if self._remaining is not None:
            self._remaining = max(self._remaining - self._step, 0.0)
            if not self._remaining:
                return self._at_expiry
        self._unsaid += self._step
        self._silence = 0.0 if self._heard else self._silence + self._step
        self._heard = False
        if self._beat and self._silence >= self._beat * _BEATS_PER_LIMIT:
            return "silent for longer than its idle time-out"
        return ""

    def must_speak(self) -> bool:
        """Called at the wake-up, after the verdict: whether a heartbeat is due."""
        if not self._heartbeat or self._unsaid < self._heartbeat:
            return False
        self._unsaid = 0.0
        return True
