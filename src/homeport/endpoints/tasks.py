"""The one place that starts tasks.

The event loop keeps only weak references to tasks; one that nobody else holds may be collected in the middle
of its work. `spawn` holds each until it is done. A task must handle its own errors: what it lets escape goes
to the loop's exception handler, as with any other task.
"""

import asyncio
from collections.abc import Coroutine

_running: set[asyncio.Task[None]] = set()


def spawn(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
    """Run `work` on the running loop, and keep it alive until it is done."""
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


def running() -> frozenset[asyncio.Task[None]]:
    """The tasks that are under way; what a stopping server waits for."""
    return frozenset(_running)
