"""Waiting for what machines do by themselves, for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 120.0
_PAUSE = 0.2


class NotReached(Exception):
    """What had to come about within a time did not; the message says what."""


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = _SECONDS) -> T:
    """Look again and again until something is found.

    Raises:
        NotReached: nothing was found in time.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise NotReached(f"{what} was not there within {seconds:.0f} s")
        time.sleep(_PAUSE)
    return found
