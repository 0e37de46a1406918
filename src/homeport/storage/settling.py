"""Read, decide, write; and again, while others change what was read.

For whoever writes with an expectation (`changes.py`): administrators' verbs, hubs that share the storage. Knows no
engine; `ChangedMeanwhile` is all that it goes by.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from homeport import errors
from homeport.errors import HomeportError
from homeport.storage.changes import ChangedMeanwhile

T = TypeVar("T")

ATTEMPTS = 8
"""A device that reports and an operator who patches meet now and then; nobody honest loses so often."""


async def settled(attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of the first attempt that nobody got in the way of.

    Raises:
        HomeportError: what `attempt` decides; UNAVAILABLE if others never let it through.
        StorageUnavailable: nothing was written.
    """
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except ChangedMeanwhile:
            continue
    raise HomeportError(errors.UNAVAILABLE, "Others keep changing this entry.", cause="contention", retry_after=1)
