"""A registration over HTTPS on a disk that takes 5 ms longer for each commit, against the same on the disk as it is.

On a disk without a write cache a commit takes milliseconds. Group commit must hold then: fewer, larger commits at no
more processor time, and as many registrations per second as the devices at the same time allow.
"""

from bench.disk import make_disk
from bench.enrolling import enroll_symmetric_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import SECOND_ADDRESS, Setup, homeport

DELAY_MS = 5


def measure_slow_disk(plan: Plan) -> CaseResult:
    """Server CPU per registration, slow disk / disk."""
    plan = plan.in_one_thread()
    directory = plan.workspace / "slow-disk"
    slow = make_disk(directory / "slow", delay_ms=DELAY_MS)
    fast = make_disk(directory / "fast")
    with (
        homeport(directory / "as-it-is", setup=Setup(disk=fast)) as reference,
        homeport(directory / "slower", address=SECOND_ADDRESS, setup=Setup(disk=slow)) as candidate,
    ):
        for server in (reference, candidate):
            enroll_symmetric_group(server)
        rounds, _ = take_turns(
            plan,
            Side(server=reference, endpoint=reference.tls, mode="https", id_scope=reference.id_scope),
            Side(server=candidate, endpoint=candidate.tls, mode="https", id_scope=candidate.id_scope),
        )
    return CaseResult(
        case="slow-disk",
        title=f"HTTPS registration with SAS, each commit {DELAY_MS} ms slower",
        unit="us CPU",
        reference="homeport on the disk as it is",
        candidate="homeport on the slower disk",
        bound=1.2,
        aim=1.0,
        judged=Judged.RATIO,
        rounds=rounds,
    )
