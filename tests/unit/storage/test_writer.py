import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from homeport.storage.port import StorageUnavailable
from homeport.storage.writer import MAX_BATCH, PATIENCE, GroupCommitWriter, Outcome, Work


class RecordedBatches:
    """Does what it is given and notes in which company. `gate` holds a batch back while it is closed."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.failure: Exception | None = None

    def commit(self, works: Sequence[Work[str]]) -> Sequence[Outcome]:
        self.gate.wait()
        self.sizes.append(len(works))
        if self.failure is not None:
            raise self.failure
        return [self._outcome(work) for work in works]

    def _outcome(self, work: Work[str]) -> Outcome:
        try:
            return Outcome(work("transaction"))
        except ValueError as error:
            return Outcome(error=error)


Story = Callable[[GroupCommitWriter[str], RecordedBatches], Awaitable[None]]


def play(story: Story, *, linger: float = 0.0) -> RecordedBatches:
    batches = RecordedBatches()

    async def run() -> None:
        writer = GroupCommitWriter(batches, linger=linger, name="test-writer")
        try:
            await story(writer, batches)
        finally:
            batches.gate.set()
            await writer.close()

    asyncio.run(run())
    return batches


def give(value: int) -> Callable[[str], int]:
    return lambda transaction: value


def fail(transaction: str) -> int:
    raise ValueError(transaction)


async def submit_behind_closed_gate(
    writer: GroupCommitWriter[str], batches: RecordedBatches, count: int
) -> list[asyncio.Future[Any]]:
    """One work is under way, `count` more are waiting behind it."""
    batches.gate.clear()
    tasks = [asyncio.ensure_future(writer.submit(give(number))) for number in range(count + 1)]
    await asyncio.sleep(0.02)
    return tasks


def test_a_work_gets_the_transaction_and_its_result_comes_back() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        assert await writer.submit(lambda transaction: transaction.upper()) == "TRANSACTION"

    play(story)


def test_an_error_reaches_its_own_caller_only() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        results = await asyncio.gather(
            writer.submit(give(1)), writer.submit(fail), writer.submit(give(2)), return_exceptions=True
        )
        assert results[0] == 1
        assert isinstance(results[1], ValueError)
        assert results[2] == 2

    play(story)


def test_what_waits_is_committed_together() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_behind_closed_gate(writer, batches, 30)
        batches.gate.set()
        assert await asyncio.gather(*waiting) == list(range(31))

    sizes = play(story).sizes
    assert sum(sizes) == 31
    assert len(sizes) <= 2


def test_a_batch_has_a_limit() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_behind_closed_gate(writer, batches, 2 * MAX_BATCH)
        batches.gate.set()
        await asyncio.gather(*waiting)

    sizes = play(story).sizes
    assert sum(sizes) == 2 * MAX_BATCH + 1
    assert max(sizes) <= MAX_BATCH


def test_a_lone_writer_never_lingers() -> None:
    """With a linger of an hour the story only ends if nobody waits for it."""

    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        for number in range(20):
            assert await writer.submit(give(number)) == number

    assert play(story, linger=3600).sizes == [1] * 20


def test_writes_in_flight_make_the_next_batch_linger_for_more() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_behind_closed_gate(writer, batches, 3)
        batches.gate.set()
        await asyncio.sleep(0.05)
        waiting.append(asyncio.ensure_future(writer.submit(give(4))))
        await asyncio.gather(*waiting)

    sizes = play(story, linger=0.4).sizes
    assert sum(sizes) == 5
    assert sizes in ([1, 4], [5])


def test_after_a_shared_batch_some_lone_ones_linger_and_then_none() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_behind_closed_gate(writer, batches, 3)
        batches.gate.set()
        await asyncio.gather(*waiting)
        assert writer._patience == PATIENCE
        for left in range(PATIENCE - 1, -1, -1):
            await writer.submit(give(0))
            assert writer._patience == left

    play(story, linger=0.001)


def test_closing_ends_the_linger_and_commits_what_is_queued() -> None:
    """With a linger of an hour the story only ends if closing interrupts it."""
    batches = RecordedBatches()

    async def story() -> None:
        writer = GroupCommitWriter(batches, linger=3600, name="test-writer")
        waiting = await submit_behind_closed_gate(writer, batches, 3)
        batches.gate.set()
        await writer.close()
        assert await asyncio.gather(*waiting) == [0, 1, 2, 3]

    asyncio.run(story())


def test_after_closing_nothing_is_taken_and_closing_again_is_harmless() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        await writer.close()
        with pytest.raises(StorageUnavailable):
            await writer.submit(give(1))

    play(story)


def test_the_thread_outlives_a_batch_that_fails_as_a_whole() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        batches.failure = RuntimeError("the engine is on fire")
        with pytest.raises(StorageUnavailable, match="on fire"):
            await writer.submit(give(1))
        batches.failure = None
        assert await writer.submit(give(2)) == 2

    play(story)


def test_a_caller_that_was_cancelled_is_passed_over() -> None:
    async def story(writer: GroupCommitWriter[str], batches: RecordedBatches) -> None:
        waiting = await submit_behind_closed_gate(writer, batches, 2)
        waiting[1].cancel()
        batches.gate.set()
        assert await asyncio.gather(waiting[0], waiting[2]) == [0, 2]

    play(story)


def test_an_event_loop_that_has_gone_does_not_stop_the_thread() -> None:
    batches = RecordedBatches()
    writer: GroupCommitWriter[str] | None = None

    async def leave_early() -> None:
        nonlocal writer
        writer = GroupCommitWriter(batches, linger=0, name="test-writer")
        waiting = await submit_behind_closed_gate(writer, batches, 1)
        for task in waiting:
            task.cancel()

    async def come_back() -> None:
        assert writer is not None
        batches.gate.set()
        assert await writer.submit(give(7)) == 7
        await writer.close()

    asyncio.run(leave_early())
    asyncio.run(come_back())
