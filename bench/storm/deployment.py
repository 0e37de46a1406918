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
class Admission:
    """A token bucket for registrations in each worker, and early refusal of connections.

    `share` of what a worker could do is admitted; who is refused hears when its turn would come, and up to `spread`
    of that more by chance, at most `longest_retry_after`: the C client takes more than 300 s for one second.
    No more than `handshakes` may be under way in a worker; beyond, connections are closed at once.
    """

    share: float = 0.85
    burst_seconds: float = 0.5
    spread: float = 0.25
    longest_retry_after: float = 300
    handshakes: float = 200


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Nodes over one database. `database_rate` is what a partition writes a second (None: more than is asked)."""

    times: ServiceTimes
    nodes: int = 1
    workers_per_node: int = 1
    handshakes: float = 2_000
    handshake_timeout: float = 15
    idle_timeout: float = 75
    round_trip: float = 0.0
    partitions: int = 1
    database_rate: float | None = None
    admission: Admission | None = None

    @property
    def workers(self) -> int:
        """All workers of all nodes."""
        return self.nodes * self.workers_per_node

    @property
    def capacity(self) -> float:
        """Devices that can be provisioned in a second when each needs one attempt only."""
        by_processor = self.workers / self.times.provisioning
        return by_processor if self.database_rate is None else min(by_processor, self.partitions * self.database_rate)

    def for_cohorts(self, weight: float) -> "Deployment":
        """The deployment as cohorts of so many devices see it, which do everything as one: all costs so many times,
        all limits that count devices so many times smaller."""
        if weight == 1:
            return self
        admission = self.admission and replace(self.admission, handshakes=max(1, self.admission.handshakes / weight))
        return replace(
            self,
            times=self.times.scaled(weight),
            handshakes=max(1, self.handshakes / weight),
            database_rate=None if self.database_rate is None else self.database_rate / weight,
            admission=admission,
        )
