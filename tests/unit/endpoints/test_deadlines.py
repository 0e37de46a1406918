"""Many waits, one timer."""

import asyncio

from homeport.endpoints.deadlines import Deadlines


def test_what_is_not_stopped_expires_in_order() -> None:
    async def scenario() -> list[str]:
        expired: list[str] = []
        done = asyncio.Event()

        def note(item: str) -> None:
            expired.append(item)
            if item == "last":
                done.set()

        deadlines = Deadlines(0.02, note)
        for item in ("first", "stopped", "again", "second"):
            deadlines.start(item)
        deadlines.stop("stopped")
        deadlines.stop("never started")
        deadlines.start("again")
        await asyncio.sleep(0.001)
        deadlines.start("last")
        await asyncio.wait_for(done.wait(), 10)
        assert len(deadlines) == 0
        return expired

    assert asyncio.run(scenario()) == ["first", "second", "again", "last"]


def test_expiry_may_stop_another() -> None:
    async def scenario() -> list[str]:
        expired: list[str] = []

        def note(item: str) -> None:
            expired.append(item)
            deadlines.stop("other")

        deadlines = Deadlines(0.01, note)
        deadlines.start("one")
        deadlines.start("other")
        await asyncio.sleep(0.05)
        return expired

    assert asyncio.run(scenario()) == ["one"]


def test_expiry_may_start_again() -> None:
    async def scenario() -> int:
        count = 0
        done = asyncio.Event()

        def again(item: str) -> None:
            nonlocal count
            count += 1
            if count == 3:
                done.set()
            else:
                deadlines.start(item)

        deadlines = Deadlines(0.005, again)
        deadlines.start("item")
        await asyncio.wait_for(done.wait(), 10)
        return count

    assert asyncio.run(scenario()) == 3


def test_timer_comes_back_after_a_quiet_time() -> None:
    async def scenario() -> None:
        done = asyncio.Event()
        deadlines = Deadlines(0.005, lambda item: done.set())
        deadlines.start("early")
        deadlines.stop("early")
        await asyncio.sleep(0.02)
        deadlines.start("late")
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(scenario())
