"""What a storm meets: nodes with their workers, what each step costs them, their limits, the database, admission.

Times are seconds of a worker's processor. A worker is one process on one core with one queue, as homeport runs; the
kernel spreads connections over the workers by hash, so each picks one by chance and stays there.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class ServiceTimes:
    """What each step costs a worker, and how long a commit takes beside it."""

    handshake: float
    register: float
    poll: float
    refusal: float
    """Answering 429: the request is read, and nothing else done."""
    reset: float = 0.000_03
    """Closing a connection before its handshake."""
    commit: float = 0.003

    @property
    def provisioning(self) -> float:
        """A device that is lucky at once: handshake, register, one poll."""
        return self.handshake + self.register + self.poll

    def scaled(self, factor: float) -> "ServiceTimes":
        """The same steps, all dearer by that factor; a commit waits for the disk as before."""
        return ServiceTimes(
            handshake=self.handshake * factor,
            register=self.register * factor,
            poll=self.poll * factor,
            refusal=self.refusal * factor,
            reset=self.reset * factor,
            commit=self.commit,
        )


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many registrations a second, over all workers, and how much at once. Whoever is refused hears 429 and when its
    turn would come, and up to `jitter` of that more by chance, at most `longest_retry_after`: the C client takes more
    than 300 s for one second."""

    per_second: float
    burst_seconds: float = 60
    jitter: float = 0.1
    longest_retry_after: float = 300


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Nodes over one database.

    A handshake begins when the worker is behind by no more than `target_lag` (None: it does not look) and fewer than
    `handshakes` are under way. Until then a connection waits: `queue` of them in the worker and the kernel's accept
    queues, but no more than are served in `patience` seconds (None: that is not looked at). Beyond, a SYN is dropped
    and repeated, as TCP does, or with `closes` the connection is closed instead.
    """

    times: ServiceTimes
    nodes: int = 1
    workers_per_node: int = 1
    target_lag: float | None = 0.05
    handshakes: float = 2_000
    queue: float = 256 + 2 * 1_024
    patience: float | None = 0.75
    closes: bool = False
    limit: Limit | None = None
    handshake_timeout: float = 15
    idle_timeout: float = 75
    round_trip: float = 0.0
    partitions: int = 1
    database_rate: float | None = None
    """What a partition writes a second; None: more than is asked."""

    @property
    def workers(self) -> int:
        """All workers of all nodes."""
        return self.nodes * self.workers_per_node

    @property
    def queue_of_worker(self) -> float:
        """How many connections may wait for a worker."""
        return self.queue if self.patience is None else min(self.queue, self.patience / self.times.provisioning)

    @property
    def capacity(self) -> float:
        """Devices that can be provisioned in a second when each needs one attempt only."""
        by_processor = self.workers / self.times.provisioning
        return by_processor if self.database_rate is None else min(by_processor, self.partitions * self.database_rate)

    def without_admission(self) -> "Deployment":
        """homeport with `[limits] profile = "none"`. uvloop accepts one connection in each turn of its loop, so a
        connection still waits in the kernel for those that were accepted before it; a little, and not up to a lag."""
        return replace(self, target_lag=0, handshakes=20_000, queue=2 * 1_024, patience=None, limit=None)

    def eager(self) -> "Deployment":
        """A server that accepts whatever comes and begins every handshake at once, up to all the connections that a
        process may hold: what `asyncio`'s own loop would do, and what admission is there to prevent."""
        return replace(self, target_lag=None, handshakes=20_000, queue=0, patience=None, closes=True, limit=None)

    def for_cohorts(self, weight: float) -> "Deployment":
        """The deployment as cohorts of so many devices see it, which do everything as one: all costs so many times,
        all limits that count devices so many times smaller."""
        if weight == 1:
            return self
        return replace(
            self,
            times=self.times.scaled(weight),
            handshakes=max(1, self.handshakes / weight),
            queue=self.queue / weight,
            database_rate=None if self.database_rate is None else self.database_rate / weight,
            limit=self.limit and replace(self.limit, per_second=self.limit.per_second / weight),
        )
