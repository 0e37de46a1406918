"""The control for two workers: two homeports that share nothing, with one worker each, at the same time.

A machine whose processors are all busy, the load generator's part and the database's included, makes every process on
it dearer: none keeps its processor's caches for itself. What two workers cost more than two such servers is the price
of sharing a database and its sockets; the rest is the machine's. Nothing was promised. Counterpart: `deployments.py`.
"""

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from bench.cases.deployments import Deployment, running_deployment, side_of
from bench.measurement import CaseResult, Cost, Judged, Round, cost_of
from bench.plan import Plan
from bench.registration_rounds import Side, Turn
from bench.servers.homeport import ADDRESS, SECOND_ADDRESS

Pair = tuple[Side, Side]


def measure_two_servers(plan: Plan, deployment: Deployment) -> CaseResult:
    """Server CPU per registration, on two servers at once / on one of them alone."""
    plan = plan.in_one_thread(devices=4, operations=2)
    directory = plan.workspace / _name(deployment)
    with ExitStack() as stack:
        first, _ = stack.enter_context(running_deployment(directory / "first", deployment, ADDRESS, None))
        second, _ = stack.enter_context(running_deployment(directory / "second", deployment, SECOND_ADDRESS, None))
        pair = side_of(deployment, first), side_of(deployment, second)
        for side in pair:
            _cost(plan, side, "warm-", plan.settings.warm_up, plan.settings.devices)
        rounds = list(_rounds(plan, pair))
    return CaseResult(
        case=_name(deployment),
        title=f"{deployment.title.removesuffix(', 1 worker')}, two servers that share nothing",
        unit="us CPU",
        reference="one homeport, alone",
        candidate="two homeports with a database each, and half of the devices each",
        judged=Judged.RATIO,
        rounds=rounds,
    )


def _name(deployment: Deployment) -> str:
    return f"{deployment.name}-two-servers"


CONTROL_CASES: Mapping[str, Callable[[Plan], CaseResult]] = {
    _name(deployment): partial(measure_two_servers, deployment=deployment)
    for deployment in (
        Deployment(protocol=protocol, attestation="sas", engine=engine)
        for protocol, engine in itertools.product(("https", "mqtt"), ("sqlite", "postgresql"))
    )
}


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


def _cost(plan: Plan, side: Side, prefix: str, operations: int, devices: int) -> Cost:
    fleet = Turn.of(prefix, operations, None).fleet(side)
    return cost_of(
        side.server,
        lambda: plan.generator.run(side.mode, side.endpoint, fleet, operations=operations, devices=devices),
    )
