"""Trying again while others change what was read, and giving up in the end."""

import asyncio

from tests.unit.administration.world import refused

from homeport import errors
from homeport.hubs.embedded.settling import ATTEMPTS, settled
from homeport.storage.changes import ChangedMeanwhile


class Contended:
    """Fails so many times, then returns how often it was tried."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.tried = 0

    async def __call__(self) -> int:
        self.tried += 1
        if self.tried <= self.failures:
            raise ChangedMeanwhile
        return self.tried


def test_the_first_attempt_that_nobody_got_in_the_way_of_counts() -> None:
    assert asyncio.run(settled(Contended(0))) == 1
    assert asyncio.run(settled(Contended(ATTEMPTS - 1))) == ATTEMPTS


def test_endless_contention_is_an_answer_too() -> None:
    with refused(errors.UNAVAILABLE) as caught:
        asyncio.run(settled(Contended(ATTEMPTS)))
    assert (caught.value.cause, caught.value.retry_after) == ("contention", 1)
