"""The shape that the processor-time cases share: warm both sides up, then take turns, round by round."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.enrolling import GROUP_KEY
from bench.generator import Fleet
from bench.measurement import Cost, Round, cost_of, handshake_note
from bench.plan import Plan
from bench.servers.process import Endpoint, Server


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two servers of a case, and how the generator talks to it."""

    server: Server
    endpoint: Endpoint
    mode: str
    id_scope: str = "0ne00000000"


def take_turns(plan: Plan, reference: Side, candidate: Side) -> tuple[list[Round], list[str]]:
    """The rounds, and what is to be noted about both sides' handshakes."""
    notes = [_warm_up(plan, side) for side in (reference, candidate)]
    return list(_rounds(plan, reference, candidate)), notes


def _rounds(plan: Plan, reference: Side, candidate: Side) -> Iterator[Round]:
    for number in range(1, plan.settings.rounds + 1):
        plan.narrator.tell(f"round {number} of {plan.settings.rounds}")
        prefix = f"round-{number}-"
        theirs, ours = _cost(plan, reference, prefix), _cost(plan, candidate, prefix)
        yield Round(
            reference=theirs.cpu_us,
            candidate=ours.cpu_us,
            bystanders=(theirs.bystanders + ours.bystanders) / 2,
        )


def _warm_up(plan: Plan, side: Side) -> str:
    result = plan.warm_up(side.mode, side.endpoint, _fleet(side, "warm-"))
    return handshake_note(side.server, result)


def _cost(plan: Plan, side: Side, prefix: str) -> Cost:
    fleet = _fleet(side, prefix)
    return cost_of(side.server, lambda: plan.load(side.mode, side.endpoint, fleet, plan.settings.operations))


def _fleet(side: Side, prefix: str) -> Fleet:
    """New devices for every turn: a first registration writes more than a repeated one."""
    return Fleet(id_scope=side.id_scope, group_key=GROUP_KEY, prefix=prefix)
