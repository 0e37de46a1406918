"""A registration over HTTPS with leaf and intermediate, against nginx taking the same chains.

The root stands in an enrollment group. homeport builds the path from the device to it and judges all of it: names,
signatures, validity, constraints; what it found out about the CA certificates it remembers, so that a device costs the
signature on its own certificate. nginx (`optional_no_ca`, no CA of its own) lets OpenSSL look for a path, finds none,
and answers from memory. Otherwise as `https-self-signed`.
"""

from pathlib import Path

from bench.device_certificates import make_authority, make_devices, write_credentials
from bench.enrolling import enroll_signing_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import homeport
from bench.servers.nginx import nginx


def measure_https_chain(plan: Plan) -> CaseResult:
    """Server CPU per registration, homeport / nginx."""
    directory = plan.workspace / "https-chain"
    authority = make_authority()

    def certify(prefix: str, count: int) -> Path:
        return write_credentials(directory / f"{prefix}devices.pem", make_devices(prefix, count, authority.device))

    with nginx(directory / "nginx") as reference, homeport(directory / "homeport") as candidate:
        enroll_signing_group(candidate, authority.root.pem)
        rounds, notes = take_turns(
            plan,
            Side(server=reference, endpoint=reference.tls, mode="https"),
            Side(server=candidate, endpoint=candidate.tls, mode="https", id_scope=candidate.id_scope),
            certify,
        )
    return CaseResult(
        case="https-chain",
        title="HTTPS registration, X.509 chain",
        unit="us CPU",
        reference="nginx, two static answers",
        candidate="homeport",
        bound=1.5,
        aim=1.1,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes,
    )
