"""How many waits for the disk a thousand registrations need, with 64 devices at the same time and with one.

Each registration is one durable write, and group commit is there to let them share. The waits are counted below the
server, where it calls the system (`bench/disk.py`); those of a checkpoint count as well.
"""

from bench.disk import Disk, make_disk
from bench.enrolling import GROUP_KEY, enroll_symmetric_group
from bench.generator import Fleet
from bench.measurement import CaseResult, Judged, Round
from bench.plan import Plan
from bench.servers.homeport import Homeport, Setup, homeport

IN_FLIGHT = 64


def measure_commits(plan: Plan) -> CaseResult:
    """Waits for the disk per 1,000 registrations."""
    directory = plan.workspace / "commits"
    disk = make_disk(directory)
    with homeport(directory / "homeport", setup=Setup(plain=True, disk=disk)) as server:
        enroll_symmetric_group(server)
        rounds = [
            Round(
                reference=_waits(plan, server, disk, f"alone-{number}-", devices=1),
                candidate=_waits(plan, server, disk, f"crowd-{number}-", devices=IN_FLIGHT),
            )
            for number in range(1, plan.settings.rounds + 1)
        ]
    return CaseResult(
        case="commits",
        title=f"Waits for the disk per 1,000 registrations, {IN_FLIGHT} in flight",
        unit="waits",
        reference="homeport, one in flight",
        candidate=f"homeport, {IN_FLIGHT} in flight",
        bound=1000 / 16,
        aim=1000 / 32,
        judged=Judged.CANDIDATE,
        rounds=rounds,
    )


def _waits(plan: Plan, server: Homeport, disk: Disk, prefix: str, *, devices: int) -> float:
    assert server.plain is not None
    plan.narrator.tell(prefix.rstrip("-"))
    fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix=prefix)
    before = disk.waits
    operations = plan.settings.operations
    plan.generator.run("http-plain", server.plain, fleet, operations=operations, devices=devices)
    return (disk.waits - before) / operations * 1000
