"""The only place that reads the time and asks the operating system for randomness.

Both come in through constructors, so that a test brings its own and needs no patching.
"""

import os
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_GUID_BYTES = 16
_GUIDS_AHEAD = 256
# Random bytes for the next GUIDs. A registration takes six, and a system call for each costs more than all the rest.
_ahead: deque[bytes] = deque()
if sys.platform != "win32":
    # What a parent will give out, its child must not.
    os.register_at_fork(after_in_child=_ahead.clear)


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
    """The operating system's generator: asked for each token, since they are keys, and for many GUIDs at once."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)

    def guid(self) -> str:
        # Several a registration; formatting the digits here costs a tenth of what `uuid.UUID` does.
        digits = _next_guids_bytes().hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _next_guids_bytes() -> bytes:
    """Never the same to two threads."""
    try:
        return _ahead.popleft()
    except IndexError:
        fetched = os.urandom(_GUID_BYTES * _GUIDS_AHEAD)
        _ahead.extend(fetched[at : at + _GUID_BYTES] for at in range(_GUID_BYTES, len(fetched), _GUID_BYTES))
        return fetched[:_GUID_BYTES]


def to_microseconds(moment: datetime) -> int:
    """An aware datetime as whole microseconds since 1970, the form in which storage keeps times."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The inverse of `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds)
