"""Tasks that nobody else holds."""

import asyncio
import gc

from homeport.endpoints.tasks import running, spawn


def test_task_is_held_until_it_is_done() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("worked")

    async def scenario() -> None:
        spawn(work())
        gc.collect()
        assert len(running()) == 1
        await asyncio.gather(*running())
        await asyncio.sleep(0)
        assert running() == frozenset()

    asyncio.run(scenario())
    assert done == ["worked"]
