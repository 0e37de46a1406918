"""A registration over HTTPS with a SAS token, against nginx answering the same two requests from memory.

Every registration: a fresh TCP connection, a full TLS 1.3 handshake, PUT register (202), GET operation
status (200, assigned), of a device that was never seen before. homeport checks the token twice, derives
the device's key, writes the device, its record and the audit event, and waits for the disk.
"""

from bench.enrolling import enroll_symmetric_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import homeport
from bench.servers.nginx import nginx


def measure_https_sas(plan: Plan) -> CaseResult:
    """Server CPU per registration, homeport / nginx."""
    directory = plan.workspace / "https-sas"
    with nginx(directory / "nginx") as reference, homeport(directory / "homeport") as candidate:
        enroll_symmetric_group(candidate)
        rounds, notes = take_turns(
            plan,
            Side(server=reference, endpoint=reference.tls, mode="https"),
            Side(server=candidate, endpoint=candidate.tls, mode="https", id_scope=candidate.id_scope),
        )
    return CaseResult(
        case="https-sas",
        title="HTTPS registration with SAS, durable",
        unit="us CPU",
        reference="nginx, two static answers",
        candidate="homeport",
        bound=2.0,
        aim=1.6,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes,
    )
