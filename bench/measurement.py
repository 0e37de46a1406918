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
from bench.processes import cpu_reading, cpu_seconds_between
from bench.servers.process import Server

SETTLE_SECONDS = 0.2


class Judged(enum.StrEnum):
    """Which figure of a case its bound is about."""

    RATIO = "ratio"
    CANDIDATE = "candidate"


@dataclass(frozen=True, kw_only=True)
class Round:
    """One turn of each side, in the unit of the case."""

    reference: float
    candidate: float

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
    bound: float
    aim: float
    judged: Judged
    rounds: list[Round]
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
    def figure(self) -> float:
        """What the bound is compared with."""
        return self.median_ratio if self.judged is Judged.RATIO else self.median_candidate

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        return self.figure <= self.bound


def cpu_per_operation(server: Server, load: Callable[[], LoadResult]) -> float:
    """Microseconds of the server's processor time for each operation of that load."""
    before = cpu_reading(server.pid)
    result = load()
    # An answer leaves before its connection is cleaned up, and that work belongs to the operation.
    time.sleep(SETTLE_SECONDS)
    seconds = cpu_seconds_between(before, cpu_reading(server.pid))
    return seconds / result.operations * 1e6


def handshake_note(server: Server, result: LoadResult) -> str:
    """What the server's handshakes were like: two servers are comparable when theirs agree."""
    asked = "asked for a client certificate" if result.certificate_requests else "asked for no client certificate"
    tickets = result.session_tickets / result.operations
    return f"{server.name}: {asked}, {tickets:g} session tickets a connection"
