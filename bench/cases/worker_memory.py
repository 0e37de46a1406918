"""What one more worker holds: memory of a homeport with two workers, less that of one with one, both warm.

Pages that the supervisor's fork has left shared are counted once (`bench/processes.py`). Nothing was promised.
"""

import time

from bench.enrolling import GROUP_KEY, enroll_symmetric_group
from bench.generator import Fleet
from bench.measurement import CaseResult, Judged, Round
from bench.plan import Plan
from bench.processes import memory_bytes
from bench.servers.homeport import Setup, homeport

SETTLE_SECONDS = 1.0
WORKERS = 2


def measure_worker_memory(plan: Plan) -> CaseResult:
    """MiB of one homeport with one worker, and of each further one."""
    rounds = []
    for number in range(1, plan.settings.rounds + 1):
        plan.narrator.tell(f"round {number} of {plan.settings.rounds}")
        one, several = _memory(plan, number, workers=1), _memory(plan, number, workers=WORKERS)
        rounds.append(Round(reference=one, candidate=(several - one) / (WORKERS - 1)))
    return CaseResult(
        case="worker-memory",
        title="Memory of a further worker",
        unit="MiB",
        reference="homeport with one worker, in all",
        candidate="homeport, each further worker and the supervisor",
        judged=Judged.CANDIDATE,
        rounds=rounds,
    )


def _memory(plan: Plan, number: int, *, workers: int) -> float:
    directory = plan.workspace / "worker-memory" / f"{number}-{workers}"
    with homeport(directory, setup=Setup(workers=workers)) as server:
        enroll_symmetric_group(server)
        fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix="warm-")
        plan.load("https", server.tls, fleet, plan.settings.operations)
        time.sleep(SETTLE_SECONDS)
        return memory_bytes(server.pid) / 2**20
