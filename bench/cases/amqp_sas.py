"""A registration over AMQP with a SAS token, against the same over HTTPS.

There is no well-known server to put beside it, and none that would be needed: HTTPS is judged by nginx
(`https-sas`), and this tells what a device's choice of AMQP costs on top. SASL PLAIN, open, begin, two links, register,
poll, close: eight round trips where HTTPS has two. One homeport serves both sides, each its own devices.
"""

from bench.enrolling import enroll_symmetric_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import homeport


def measure_amqp_sas(plan: Plan) -> CaseResult:
    """Server CPU per registration, AMQP / HTTPS."""
    plan = plan.in_one_thread()
    with homeport(plan.workspace / "amqp-sas" / "homeport") as server:
        enroll_symmetric_group(server)
        rounds, notes = take_turns(
            plan,
            Side(server=server, endpoint=server.tls, mode="https", id_scope=server.id_scope, prefix="https-"),
            Side(server=server, endpoint=server.amqp, mode="amqp", id_scope=server.id_scope, prefix="amqp-"),
        )
    return CaseResult(
        case="amqp-sas",
        title="AMQP registration with SAS, durable",
        unit="us CPU",
        reference="homeport over HTTPS",
        candidate="homeport over AMQP",
        bound=1.8,
        aim=1.3,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes[:1],
    )
