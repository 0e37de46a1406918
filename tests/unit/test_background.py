"""Chores go on, whatever becomes of one step."""

import asyncio
from collections.abc import Sequence

import pytest

from homeport.background import Background, Chore
from homeport.storage.port import StorageUnavailable

SHORT = 0.0001


class Told:
    """What was reported."""

    def __init__(self) -> None:
        self.outages: list[str] = []
        self.crashes: list[str] = []

    def storage_failed(self, reason: str) -> None:
        self.outages.append(reason)

    def crashed(self, error: BaseException, *, operation: str, transport: str, correlation_id: str) -> None:
        self.crashes.append(f"{operation}: {error}")


class Steps:
    """A step that does one thing after the other, and then says that it is through."""

    def __init__(self, outcomes: Sequence[bool | Exception]) -> None:
        self._outcomes = list(outcomes)
        self.done = asyncio.Event()

    async def __call__(self) -> bool:
        if not self._outcomes:
            self.done.set()
            return False
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def play(outcomes: Sequence[bool | Exception], *, pause: float) -> Told:
    told, steps = Told(), Steps(outcomes)
    background = Background(told)
    background.start([Chore("sweep", steps, pause)])
    async with asyncio.timeout(10):
        await steps.done.wait()
    await background.stop()
    return told


def test_work_is_followed_by_more_work_without_a_pause() -> None:
    asyncio.run(play([True, True, True], pause=3_600))


@pytest.mark.parametrize(
    ("failure", "outages", "crashes"),
    [(StorageUnavailable("gone"), ["gone"], []), (ValueError("broken"), [], ["sweep: broken"])],
)
def test_a_failure_is_told_and_ends_no_chore(failure: Exception, outages: list[str], crashes: list[str]) -> None:
    told = asyncio.run(play([failure, False, True], pause=SHORT))
    assert (told.outages, told.crashes) == (outages, crashes)


def test_a_stopped_chore_takes_no_further_step() -> None:
    async def story() -> int:
        taken = 0

        async def step() -> bool:
            nonlocal taken
            taken += 1
            return False

        background = Background(Told())
        background.start([Chore("sweep", step, SHORT)])
        await asyncio.sleep(0.01)
        await background.stop()
        before = taken
        await asyncio.sleep(0.01)
        return taken - before

    assert asyncio.run(story()) == 0
