"""The loop is looked at, and what is found has consequences."""

import asyncio
import time
from typing import Any

from tests.throttles import throttle
from tests.unit.endpoints.edge import Reporter

from homeport.clock import SystemClock
from homeport.endpoints.accept_queue import AcceptQueue
from homeport.endpoints.accepting import Acceptor
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.handshake_queue import HandshakeQueue
from homeport.endpoints.overload import OverloadControl
from homeport.endpoints.overload_watch import OverloadWatch


class Listening(Reporter):
    """A reporter that remembers the lags."""

    def __init__(self) -> None:
        super().__init__()
        self.lags: list[float] = []

    def loop_lagged(self, seconds: float) -> None:
        self.lags.append(seconds)


def test_a_loop_that_is_kept_busy_puts_handshakes_off_until_it_is_not() -> None:
    async def scenario() -> None:
        control = OverloadControl(target=0.05, most=100)
        queue: HandshakeQueue[Any] = HandshakeQueue(control, begin=lambda _: None)
        reporter = Listening()
        acceptor, connections = Acceptor(backlog=100), OpenConnections(10)
        watch = OverloadWatch(
            control,
            AcceptQueue(most=100, fewest=10),
            acceptor=acceptor,
            connections=connections,
            queue=queue,
            throttle=throttle(),
            reporter=reporter,
            clock=SystemClock(),
        )
        watch.start()
        for _ in range(10):
            time.sleep(0.15)  # noqa: ASYNC251 (it is to be kept busy)
            await asyncio.sleep(0)
        assert control.is_overloaded
        assert max(reporter.lags) > 0.05
        for _ in range(200):
            await asyncio.sleep(0.1 * control.is_overloaded)
        assert not control.is_overloaded
        watch.stop()
        seen = len(reporter.lags)
        await asyncio.sleep(0.2)
        assert len(reporter.lags) == seen

    asyncio.run(scenario())
