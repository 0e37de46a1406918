"""Status look-up by a device, with a thousand and with a million individual enrollments in the store.

The same thousand devices' worth of registrations in both, spread evenly over the numbers, each device with
a key of its own. Two servers run side by side and take turns; one connection asks one question at a time,
so that the latency is the look-up's and not the queue's. The figure is the 99th percentile, of the best of
five turns in each round.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.enrolling import GROUP_KEY
from bench.fill import PREFIX, fill_individual_enrollments
from bench.generator import Fleet
from bench.measurement import CaseResult, Judged, Round
from bench.plan import Plan
from bench.servers.homeport import ADDRESS, SECOND_ADDRESS, Homeport, homeport

DEVICES = 1_000
TURNS = 5


@dataclass(frozen=True)
class FilledServer:
    """A homeport over a filled store, and the devices that have registered with it."""

    server: Homeport
    fleet: Fleet


def measure_lookup(plan: Plan) -> CaseResult:
    """p99 of a look-up, million / thousand enrollments."""
    with ExitStack() as stack:
        small = stack.enter_context(_filled(plan, ADDRESS, DEVICES))
        large = stack.enter_context(_filled(plan, SECOND_ADDRESS, plan.settings.population))
        rounds = list(_rounds(plan, small, large))
    return CaseResult(
        case="lookup",
        title="Status look-up over HTTPS, kept connection",
        unit="us p99",
        reference=f"homeport, {DEVICES:,} enrollments",
        candidate=f"homeport, {plan.settings.population:,} enrollments",
        bound=2.0,
        aim=1.5,
        judged=Judged.RATIO,
        rounds=rounds,
    )


@contextmanager
def _filled(plan: Plan, address: str, population: int) -> Iterator[FilledServer]:
    directory = plan.workspace / "lookup" / str(population)
    with homeport(directory, address=address):
        pass  # the first start makes the service and its database
    fill_individual_enrollments(directory / "data", population, plan.narrator)
    with homeport(directory, address=address) as server:
        fleet = Fleet(
            id_scope=server.id_scope,
            group_key=GROUP_KEY,
            prefix=PREFIX,
            stride=max(1, population // DEVICES),
            size=DEVICES,
        )
        plan.narrator.tell(f"registering {DEVICES:,} of {population:,} devices")
        plan.load("https", server.tls, fleet, DEVICES)
        yield FilledServer(server, fleet)


def _rounds(plan: Plan, small: FilledServer, large: FilledServer) -> Iterator[Round]:
    for number in range(plan.settings.rounds + 1):
        plan.narrator.tell(f"round {number} of {plan.settings.rounds}" if number else "warming up")
        turns = [(_p99(plan, small), _p99(plan, large)) for _ in range(TURNS)]
        # What else the machine does can only make a turn slower, so the best one says what the store costs.
        best = Round(reference=min(turn[0] for turn in turns), candidate=min(turn[1] for turn in turns))
        if number:
            yield best


def _p99(plan: Plan, filled: FilledServer) -> float:
    """Each device once, in a scattered order."""
    result = plan.generator.run("lookup", filled.server.tls, filled.fleet, operations=DEVICES, devices=1)
    return result.latency_p99_us
