"""The only place that reads the time and asks the operating system for randomness.

Both come in through constructors, so that a test brings its own and needs no patching.
"""

import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """The time of day, and a stopwatch."""

    def now(self) -> datetime:
        """The time of day in UTC, aware, to the microsecond."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes backwards."""
        ...


class Randomness(Protocol):
    """Bytes and identifiers that nobody can guess."""

    def token(self, size: int) -> bytes:
        """`size` random bytes, fit for keys."""
        ...

    def guid(self) -> str:
        """A random GUID in its canonical lower-case form."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class SystemRandomness:
    """The operating system's generator."""

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def guid(self) -> str:
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def to_microseconds(moment: datetime) -> int:
    """An aware datetime as whole microseconds since 1970, the form in which storage keeps times."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The inverse of `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds)
