"""The vocabulary of a result: rounds of a reference and a candidate, their ratios, the median, the bound.

Only ratios taken in the same round are compared: this kind of machine is ten per cent faster or slower
from one minute to the next, and both sides feel it alike.
"""

import enum
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.generator import LoadResult
from bench.processes import busy_seconds, cpu_reading, cpu_seconds_between
from bench.servers.process import Server

SETTLE_SECONDS = 0.2


class Judged(enum.StrEnum):
    """Which figure of a case its bound is about."""

    RATIO = "ratio"
    CANDIDATE = "candidate"


@dataclass(frozen=True, kw_only=True)
class Round:
    """One turn of each side, in the unit of the case.

    `bystanders` is how many processors were busy with something else meanwhile: a server whose code and data
    are larger suffers more from having to share its caches, so such a round is unfair to homeport.
    """

    reference: float
    candidate: float
    bystanders: float | None = None  # not measured, where processor time is not the figure
    reference_rate: float | None = None  # operations per second on the clock, where a turn was timed
    candidate_rate: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the reference's cost the candidate's is."""
        return self.candidate / self.reference


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """All rounds of one case, and what was promised about it."""

    case: str
    title: str
    unit: str
    reference: str
    candidate: str
    judged: Judged
    bound: float | None = None  # nothing was promised: the figure is only reported
    aim: float | None = None
    rounds: list[Round] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def median_reference(self) -> float:
        """The reference's median, in the unit of the case."""
        return statistics.median(round_.reference for round_ in self.rounds)

    @property
    def median_candidate(self) -> float:
        """The candidate's median, in the unit of the case."""
        return statistics.median(round_.candidate for round_ in self.rounds)

    @property
    def median_ratio(self) -> float:
        """The median of the rounds' ratios, which is not the ratio of the medians."""
        return statistics.median(round_.ratio for round_ in self.rounds)

    @property
    def bystanders(self) -> float:
        """How many processors other processes kept busy, as the median of the rounds; 0 where not measured."""
        measured = [round_.bystanders for round_ in self.rounds if round_.bystanders is not None]
        return statistics.median(measured) if measured else 0.0

    @property
    def per_second(self) -> float | None:
        """The candidate's operations per second on the clock, as the median of the rounds. The load generator takes its
        part of the machine, so this says less about the server than its processor time does."""
        timed = [round_.candidate_rate for round_ in self.rounds if round_.candidate_rate is not None]
        return statistics.median(timed) if timed else None

    @property
    def figure(self) -> float:
        """What the bound is compared with."""
        return self.median_ratio if self.judged is Judged.RATIO else self.median_candidate

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        return self.bound is None or self.figure <= self.bound


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Microseconds of a server's processor time for each operation, operations per second, and who else was busy
    meanwhile."""

    cpu_us: float
    per_second: float
    bystanders: float


def cost_of(server: Server, load: Callable[[], LoadResult]) -> Cost:
    """What that load costs the server."""
    before, busy_before, started = cpu_reading(server.pid), busy_seconds(), time.monotonic()
    result = load()
    # An answer leaves before its connection is cleaned up, and that work belongs to the operation.
    time.sleep(SETTLE_SECONDS)
    seconds = cpu_seconds_between(before, cpu_reading(server.pid))
    others = busy_seconds() - busy_before - seconds - result.client_cpu_seconds
    return Cost(
        cpu_us=seconds / result.operations * 1e6,
        per_second=result.operations / result.seconds,
        bystanders=max(0.0, others / (time.monotonic() - started)),
    )


def handshake_note(server: Server, result: LoadResult) -> str:
    """What the server's handshakes were like: two servers are comparable when theirs agree."""
    asked = "asked for a client certificate" if result.certificate_requests else "asked for no client certificate"
    tickets = result.session_tickets / result.operations
    return f"{server.name}: {asked}, {tickets:g} session tickets a connection"
