"""The registration of the HTTPS case without TLS: what the application itself costs.

TLS is two thirds of a registration and the same for everybody, so this case is three to five times more
sensitive to a change in our own code. Judged by its microseconds on the kind of machine that the bound was
measured on; nginx stands beside it to show what the machine was like in that minute.
"""

from bench.enrolling import enroll_symmetric_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import Setup, homeport
from bench.servers.nginx import nginx


def measure_plain_http(plan: Plan) -> CaseResult:
    """Server CPU per registration over plain TCP."""
    directory = plan.workspace / "plain-http"
    plain = Setup(plain=True)
    with nginx(directory / "nginx") as reference, homeport(directory / "homeport", setup=plain) as candidate:
        assert reference.plain is not None
        assert candidate.plain is not None
        enroll_symmetric_group(candidate)
        rounds, _ = take_turns(
            plan,
            Side(server=reference, endpoint=reference.plain, mode="http-plain"),
            Side(server=candidate, endpoint=candidate.plain, mode="http-plain", id_scope=candidate.id_scope),
        )
    return CaseResult(
        case="plain-http",
        title="The same registration without TLS",
        unit="us CPU",
        reference="nginx, two static answers",
        candidate="homeport",
        bound=200,
        aim=150,
        judged=Judged.CANDIDATE,
        rounds=rounds,
    )
