"""The shape that the processor-time cases share: warm both sides up, then take turns, round by round."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.enrolling import GROUP_KEY
from bench.generator import Fleet
from bench.measurement import Cost, Round, cost_of, handshake_note
from bench.plan import Plan
from bench.servers.process import Endpoint, Server

Certify = Callable[[str, int], Path]
"""Makes the devices of a turn, given how their names begin and how many they are; answers the generator's file."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two sides of a case, and how the generator talks to it.

    `prefix` tells the devices of the sides apart where both are the same server.
    """

    server: Server
    endpoint: Endpoint
    mode: str
    id_scope: str = "0ne00000000"
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The devices of a turn: new ones, since a first registration writes more than a repeated one."""

    prefix: str
    certificates: Path | None

    @classmethod
    def of(cls, prefix: str, count: int, certify: Certify | None) -> Self:
        """A turn of so many devices, whose names begin so."""
        return cls(prefix=prefix, certificates=certify(prefix, count) if certify else None)

    def fleet(self, side: Side) -> Fleet:
        """The devices as one side is to see them."""
        return Fleet(
            id_scope=side.id_scope,
            group_key=GROUP_KEY,
            prefix=side.prefix + self.prefix,
            certificates=self.certificates,
        )


def take_turns(
    plan: Plan, reference: Side, candidate: Side, certify: Certify | None = None
) -> tuple[list[Round], list[str]]:
    """The rounds, and what is to be noted about both sides' handshakes.

    With `certify`, devices present certificates, the same ones to both sides; it is called in front of each round.
    """
    turn = Turn.of("warm-", plan.settings.warm_up, certify)
    notes = [_warm_up(plan, side, turn) for side in (reference, candidate)]
    return list(_rounds(plan, reference, candidate, certify)), notes


def _rounds(plan: Plan, reference: Side, candidate: Side, certify: Certify | None) -> Iterator[Round]:
    for number in range(1, plan.settings.rounds + 1):
        plan.narrator.tell(f"round {number} of {plan.settings.rounds}")
        turn = Turn.of(f"round-{number}-", plan.settings.operations, certify)
        theirs, ours = _cost(plan, reference, turn), _cost(plan, candidate, turn)
        yield Round(
            reference=theirs.cpu_us,
            candidate=ours.cpu_us,
            bystanders=(theirs.bystanders + ours.bystanders) / 2,
            reference_rate=theirs.per_second,
            candidate_rate=ours.per_second,
        )


def _warm_up(plan: Plan, side: Side, turn: Turn) -> str:
    result = plan.warm_up(side.mode, side.endpoint, turn.fleet(side))
    return handshake_note(side.server, result)


def _cost(plan: Plan, side: Side, turn: Turn) -> Cost:
    fleet = turn.fleet(side)
    return cost_of(side.server, lambda: plan.load(side.mode, side.endpoint, fleet, plan.settings.operations))
