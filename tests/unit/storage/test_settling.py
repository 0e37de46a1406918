"""Trying again while others change what was read, and giving up in the end."""

import asyncio

import pytest
from tests.unit.administration.world import refused

from homeport import errors
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.settling import ATTEMPTS, settled


class Contended:
    """Fails so many times, then returns how often it was tried."""

    def __init__(self, failures: int, failure: Exception | None = None) -> None:
        self.failures = failures
        self.failure = failure or ChangedMeanwhile()
        self.tried = 0

    async def __call__(self) -> int:
        self.tried += 1
        if self.tried <= self.failures:
            raise self.failure
        return self.tried


@pytest.mark.parametrize("failures", [0, 1, ATTEMPTS - 1])
def test_the_first_attempt_that_nobody_got_in_the_way_of_counts(failures: int) -> None:
    assert asyncio.run(settled(Contended(failures))) == failures + 1


def test_endless_contention_is_an_answer_too() -> None:
    with refused(errors.UNAVAILABLE) as caught:
        asyncio.run(settled(Contended(ATTEMPTS)))
    assert (caught.value.cause, caught.value.retry_after) == ("contention", 1)


def test_without_storage_nothing_is_tried_again() -> None:
    attempt = Contended(1, StorageUnavailable("the disk is full"))
    with pytest.raises(StorageUnavailable):
        asyncio.run(settled(attempt))
    assert attempt.tried == 1
