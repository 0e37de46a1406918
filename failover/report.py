"""The report of a run: as Markdown, for the terminal and for `results/`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover.outcome import Outcome

_HEAD = (
    "| what happened | longest pause | served again after | machine back after | devices | assigned | open at the blow "
    "| met instead of answers | lost, twice or wrong |"
)
_BREATH = 3.0
"""A pause that is no longer may be the machine's, which does everything at once."""
_SHOWN = 20
"""How many faults of a round are written out; the table has their number."""
_RULE = "|" + " --- |" * _HEAD.count(" | ") + " --- |"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was run, and what came of it."""

    date: str
    members: int
    strict: bool
    per_second: float
    seed: int
    versions: Mapping[str, str]
    outcomes: Sequence[Outcome]

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not any(outcome.faults for outcome in self.outcomes)


def render(run: Run) -> str:
    """The whole report."""
    mode = "synchronous, strict" if run.strict else "synchronous"
    lines = [
        f"# Failover, {run.date}",
        "",
        f"{run.members} PostgreSQL members under Patroni ({mode}), 3 etcd, 2 homeport nodes, HAProxy before both; "
        f"{run.per_second:g} new devices each second, of all SDKs' kinds, seed {run.seed}; all on one machine.",
        ", ".join(f"{name} {version}" for name, version in run.versions.items()) + ".",
        "",
        _HEAD,
        _RULE,
        *(_row(outcome) for outcome in run.outcomes),
    ]
    wrong = [f"- {outcome.what}: {fault}" for outcome in run.outcomes for fault in outcome.faults[:_SHOWN]]
    return "\n".join([*lines, *(["", "## Not as it should be", "", *wrong] if wrong else []), ""])


def _row(outcome: Outcome) -> str:
    met = ", ".join(f"{count} times {what}" for what, count in sorted(outcome.troubles.items())) or "nothing"
    cells = (
        outcome.what,
        _seconds(outcome.pause),
        "never away" if outcome.pause is not None and outcome.pause < _BREATH else _seconds(outcome.served_after),
        _seconds(outcome.whole_after),
        outcome.devices,
        outcome.assigned,
        outcome.left_open,
        met,
        len(outcome.faults),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _seconds(time: float | None) -> str:
    return "without end" if time is None else f"{time:.1f} s"
