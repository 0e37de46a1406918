"""A registration over HTTPS with a self-signed certificate, against nginx taking the same certificates.

Every device presents a certificate of its own (ECDSA P-256) and is enrolled individually by it. Both servers have the
device prove that it holds the key, one more signature in the handshake. homeport compares thumbprint, validity
and common name at both requests, besides all that it does in `https-sas`; nginx answers from memory.
"""

from pathlib import Path

from bench.device_certificates import make_devices, make_self_signed, write_credentials
from bench.enrolling import enroll_individuals
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import homeport
from bench.servers.nginx import nginx


def measure_https_self_signed(plan: Plan) -> CaseResult:
    """Server CPU per registration, homeport / nginx."""
    directory = plan.workspace / "https-self-signed"
    with nginx(directory / "nginx") as reference, homeport(directory / "homeport") as candidate:

        def certify(prefix: str, count: int) -> Path:
            devices = make_devices(prefix, count, make_self_signed)
            enroll_individuals(candidate, {name: device.pem for name, device in devices.items()})
            return write_credentials(directory / f"{prefix}devices.pem", devices)

        rounds, notes = take_turns(
            plan,
            Side(server=reference, endpoint=reference.tls, mode="https"),
            Side(server=candidate, endpoint=candidate.tls, mode="https", id_scope=candidate.id_scope),
            certify,
        )
    return CaseResult(
        case="https-self-signed",
        title="HTTPS registration, self-signed X.509",
        unit="us CPU",
        reference="nginx, two static answers",
        candidate="homeport",
        bound=1.5,
        aim=1.25,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes,
    )
