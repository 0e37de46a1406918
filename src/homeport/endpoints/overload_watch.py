"""Watches how late the event loop is and how many connections wait outside, and has the edge act on it.

A timer that is due and not called is the one symptom of all that keeps the loop busy, a standing accept queue that of
too many who want to come in. Counterparts: `overload.py` and `accept_queue.py`, which judge the samples.
"""

import asyncio

from homeport.clock import Clock
from homeport.endpoints.accept_queue import AcceptQueue
from homeport.endpoints.accepting import Acceptor
from homeport.endpoints.connections import OpenConnections
from homeport.endpoints.handshake_queue import HandshakeQueue
from homeport.endpoints.overload import OverloadControl
from homeport.endpoints.ports import Reports
from homeport.endpoints.throttling import Throttle
from homeport.endpoints.tls import TlsConnection

_EVERY = 0.05


class OverloadWatch:
    """One for each process; its timer runs from `start` to `stop`."""

    def __init__(
        self,
        control: OverloadControl,
        accept_queue: AcceptQueue,
        *,
        acceptor: Acceptor,
        connections: OpenConnections,
        queue: HandshakeQueue[TlsConnection],
        throttle: Throttle,
        reporter: Reports,
        clock: Clock,
    ) -> None:
        self._control = control
        self._acceptor = acceptor
        self._connections = connections
        self._accept_queue = accept_queue
        self._queue = queue
        self._throttle = throttle
        self._reporter = reporter
        self._clock = clock
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look at the loop from now on."""
        self._due = self._clock.monotonic() + _EVERY
        self._timer = asyncio.get_running_loop().call_later(_EVERY, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._clock.monotonic()
        lag = max(now - self._due, 0.0)
        # First, so that no failure ends the watch.
        self.start()
        self._reporter.loop_lagged(lag)
        control = self._control
        control.sampled(lag, now=now, under_way=self._queue.under_way, registered=self._throttle.registered)
        self._throttle.follow(control.registrations_per_second)
        self._queue.call_next()
        waiting = self._acceptor.waiting()
        self._reporter.connections_waiting(sum(waiting))
        self._accept_queue.sampled(waiting, accepted=self._connections.admitted, now=now)
        self._acceptor.bound_waiting(self._accept_queue.backlog)
