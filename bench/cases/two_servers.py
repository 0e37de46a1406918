"""The control for two workers: two homeports that share nothing, with one worker each, at the same time.

A machine whose processors are all busy, the load generator's part included, makes every process on it dearer: none
keeps its processor's caches for itself. What two workers cost more than two such servers is the price of sharing a
database and its sockets; the rest is the machine's. Nothing was promised. Counterpart: `deployments.py`.
"""

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench.enrolling import GROUP_KEY, enroll_symmetric_group
from bench.generator import Fleet
from bench.measurement import CaseResult, Cost, Judged, Round, cost_of
from bench.plan import Plan
from bench.servers.homeport import SECOND_ADDRESS, Homeport, homeport

Pair = tuple[Homeport, Homeport]


def measure_two_servers(plan: Plan) -> CaseResult:
    """Server CPU per registration, on two servers at once / on one of them alone."""
    plan = plan.in_one_thread(devices=4, operations=2)
    directory = plan.workspace / "two-servers"
    with homeport(directory / "first") as first, homeport(directory / "second", address=SECOND_ADDRESS) as second:
        for server in (first, second):
            enroll_symmetric_group(server)
            _cost(plan, server, "warm-", plan.settings.warm_up, plan.settings.devices)
        rounds = list(_rounds(plan, (first, second)))
    return CaseResult(
        case="two-servers",
        title="HTTPS, SAS: two servers that share nothing",
        unit="us CPU",
        reference="one homeport, alone",
        candidate="two homeports with a database each, and half of the devices each",
        judged=Judged.RATIO,
        rounds=rounds,
    )


def _rounds(plan: Plan, pair: Pair) -> Iterator[Round]:
    for number in range(1, plan.settings.rounds + 1):
        plan.narrator.tell(f"round {number} of {plan.settings.rounds}")
        alone = _cost(plan, pair[0], f"alone-{number}-", plan.settings.operations, plan.settings.devices)
        both = _costs_together(plan, pair, f"together-{number}-")
        yield Round(
            reference=alone.cpu_us,
            candidate=statistics.mean(cost.cpu_us for cost in both),
            reference_rate=alone.per_second,
            candidate_rate=sum(cost.per_second for cost in both),
        )


def _costs_together(plan: Plan, pair: Pair, prefix: str) -> list[Cost]:
    """The same devices as on one server, half of them on each."""
    settings = plan.settings
    measure = partial(
        _cost, plan, prefix=prefix, operations=settings.operations // 2, devices=max(1, settings.devices // 2)
    )
    with ThreadPoolExecutor(len(pair)) as pool:
        return list(pool.map(measure, pair))


def _cost(plan: Plan, server: Homeport, prefix: str, operations: int, devices: int) -> Cost:
    fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix=prefix)
    return cost_of(
        server,
        lambda: plan.generator.run("https", server.tls, fleet, operations=operations, devices=devices),
    )
