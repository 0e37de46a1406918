import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from homeport.storage.port import StorageUnavailable
from homeport.storage.writer import ENOUGH, MAX_BATCH, PATIENCE, STEPS, GroupCommitWriter, Outcome, Work


class RecordedBatches:
    """Does what it is given and notes in which company. `gate` holds a batch back while it is closed."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.heavy: list[bool] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.failure: Exception | None = None

    async def commit(self, works: Sequence[Work[str]], *, heavy: bool) -> Sequence[Outcome]:
        self.sizes.append(len(works))
        self.heavy.append(heavy)
        self.begun.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [await self._outcome(work) for work in works]

    async def _outcome(self, work: Work[str]) -> Outcome:
        try:
            return Outcome(await work("transaction"))
        except ValueError as error:
            return Outcome(error=error)


Story = Callable[[GroupCommitWriter[str], RecordedBatches], Awaitable[None]]


def play(story: Story, *, linger: float = 0.0, overdue: float = 60.0) -> RecordedBatches:
    async def run() -> RecordedBatches:
        batches = RecordedBatches()
        writer = GroupCommitWriter(batches, linger=linger, overdue=overdue)
        await story(writer, batches)
        batches.gate.set()
        await writer.close()
        return batches

    return asyncio.run(run())


def give(value: int) -> Callable[[str], Awaitable[int]]:
    async def work(transaction: str) -> int:
        return value

    return work


async def fail(transaction: str) -> int:
    raise ValueError(transaction)


async def submit_one_and_then(writer: GroupCommitWriter[str], batches: RecordedBatches, count: int) -> "Waiting":
    """One work is held back at the closed gate, `count` more wait behind it."""
    batches.gate.clear()
    waiting = [asyncio.ensure_future(writer.submit(give(0)))]
    await batches.begun.wait()
    waiting += [asyncio.ensure_future(writer.submit(give(number + 1))) for number in range(count)]
    await asyncio.sleep(0)
    return waiting


Waiting = list[asyncio.Future[Any]]


def test_a_work_gets_the_transaction_and_its_result_comes_back() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        async def shout(transaction: str) -> str:
            return transaction.upper()

        assert await writer.submit(shout) == "TRANSACTION"

    play(story)


def test_an_error_reaches_its_own_caller_only() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        works = (give(1), fail, give(2))
        results = await asyncio.gather(*map(writer.submit, works), return_exceptions=True)
        assert [results[0], results[2]] == [1, 2]
        assert isinstance(results[1], ValueError)

    play(story)


def test_nobody_is_answered_before_the_commit() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_one_and_then(writer, batches, 3)
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        batches.gate.set()
        assert await asyncio.gather(*waiting) == [0, 1, 2, 3]

    play(story)


def test_what_waits_is_committed_together() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_one_and_then(writer, batches, 30)
        batches.gate.set()
        await asyncio.gather(*waiting)

    assert play(story).sizes == [1, 30]


def test_a_batch_has_a_limit() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_one_and_then(writer, batches, 2 * MAX_BATCH + 5)
        batches.gate.set()
        await asyncio.gather(*waiting)

    assert play(story).sizes == [1, MAX_BATCH, MAX_BATCH, 5]


def test_one_heavy_work_makes_its_batch_heavy() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        await writer.submit(give(1))
        await asyncio.gather(writer.submit(give(1)), writer.submit(give(2), heavy=True))

    assert play(story).heavy == [False, True]


def test_a_lone_writer_never_lingers() -> None:
    """With a linger of an hour the story only ends if nobody waits for it."""

    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        for number in range(20):
            assert await writer.submit(give(number)) == number

    assert play(story, linger=3600).sizes == [1] * 20


def test_many_that_wait_already_are_not_kept_waiting() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        await asyncio.gather(*(writer.submit(give(number)) for number in range(ENOUGH)))

    assert play(story, linger=3600).sizes == [ENOUGH]


def test_writes_in_flight_make_the_next_batch_linger_for_more() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_one_and_then(writer, batches, 3)
        batches.gate.set()
        await waiting[0]
        waiting.append(asyncio.ensure_future(writer.submit(give(4))))
        await asyncio.gather(*waiting)

    assert play(story, linger=0.2).sizes == [1, 4]


class Pauses:
    """The writer's sleeps; one work comes during each of the first `newcomers`."""

    def __init__(self, newcomers: int) -> None:
        self.taken: list[float] = []
        self._newcomers = newcomers
        self._came: list[asyncio.Task[int]] = []

    async def between(self, writer: GroupCommitWriter[str], monkeypatch: pytest.MonkeyPatch) -> None:
        sleep = asyncio.sleep

        async def pause(seconds: float) -> None:
            self.taken.append(seconds)
            if len(self.taken) <= self._newcomers:
                self._came.append(asyncio.ensure_future(writer.submit(give(0))))
            await sleep(0)

        monkeypatch.setattr(asyncio, "sleep", pause)
        await asyncio.gather(writer.submit(give(1)), writer.submit(give(2)))
        await asyncio.gather(*self._came)


@pytest.mark.parametrize(("newcomers", "pauses"), [(0, 1), (1, 2), (2, STEPS), (9, STEPS)])
def test_it_lingers_only_as_long_as_more_come(newcomers: int, pauses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lingering = Pauses(newcomers)

    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        await lingering.between(writer, monkeypatch)
        assert batches.sizes[0] == 2 + min(newcomers, STEPS)

    play(story, linger=0.3)
    assert lingering.taken == [0.3 / STEPS] * pauses


def test_after_a_shared_batch_some_lone_ones_linger_and_then_none() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        await asyncio.gather(writer.submit(give(1)), writer.submit(give(2)))
        assert writer._patience == PATIENCE
        for left in range(PATIENCE - 1, -1, -1):
            await writer.submit(give(0))
            assert writer._patience == left

    play(story, linger=0.001)


def test_closing_commits_what_is_queued() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_one_and_then(writer, batches, 3)
        batches.gate.set()
        await writer.close()
        assert [task.result() for task in waiting] == [0, 1, 2, 3]

    play(story, linger=0.001)


def test_after_closing_nothing_is_taken_and_closing_again_is_harmless() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        await writer.close()
        with pytest.raises(StorageUnavailable):
            await writer.submit(give(1))

    play(story)


def test_service_goes_on_after_a_batch_that_fails_as_a_whole() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        batches.failure = RuntimeError("the engine is on fire")
        with pytest.raises(StorageUnavailable, match="on fire"):
            await writer.submit(give(1))
        batches.failure = None
        assert await writer.submit(give(2)) == 2

    play(story)


def test_a_caller_that_was_cancelled_is_passed_over() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_one_and_then(writer, batches, 2)
        waiting[1].cancel()
        batches.gate.set()
        assert await asyncio.gather(waiting[0], waiting[2]) == [0, 2]

    play(story)


def test_an_event_loop_that_ends_in_the_middle_leaves_the_writer_fit_for_the_next() -> None:
    left_behind: list[GroupCommitWriter[str]] = []

    async def leave_early() -> None:
        batches = RecordedBatches()
        left_behind.append(GroupCommitWriter(batches, linger=0))
        await submit_one_and_then(left_behind[0], batches, 2)

    async def come_back() -> None:
        left_behind[0]._batches = RecordedBatches()
        assert await left_behind[0].submit(give(7)) == 7

    asyncio.run(leave_early())
    asyncio.run(come_back())


def test_a_commit_that_is_overdue_keeps_nobody_waiting() -> None:
    """Neither who is in it, nor who is behind it, nor who comes later; when it ends, service goes on."""

    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        for waiting in await submit_one_and_then(writer, batches, 2):
            with pytest.raises(StorageUnavailable, match="not finished a commit"):
                await waiting
        with pytest.raises(StorageUnavailable):
            await writer.submit(give(3))
        batches.gate.set()
        assert writer._running is not None
        await writer._running
        assert await writer.submit(give(4)) == 4

    # What was behind the overdue commit has not been done.
    assert play(story, overdue=0.01).sizes == [1, 1]
