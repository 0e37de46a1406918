"""A registration over MQTT with leaf and intermediate, against Mosquitto taking the same devices.

The devices of `https-chain`, the packets of `mqtt-sas` without a password. Mosquitto is given the root and demands
a certificate below it (`require_certificate`), so that both judge the chain; homeport does once for each connection.
"""

from pathlib import Path

from bench.device_certificates import make_authority, make_devices, write_credentials
from bench.enrolling import enroll_signing_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import homeport
from bench.servers.mosquitto import mosquitto


def measure_mqtt_x509(plan: Plan) -> CaseResult:
    """Server CPU per registration, homeport / Mosquitto."""
    directory = plan.workspace / "mqtt-x509"
    authority = make_authority()

    def certify(prefix: str, count: int) -> Path:
        return write_credentials(directory / f"{prefix}devices.pem", make_devices(prefix, count, authority.device))

    with (
        mosquitto(directory / "mosquitto", client_ca=authority.root.pem) as reference,
        homeport(directory / "homeport") as candidate,
    ):
        enroll_signing_group(candidate, authority.root.pem)
        rounds, notes = take_turns(
            plan,
            Side(server=reference, endpoint=reference.tls, mode="mqtt-broker"),
            Side(server=candidate, endpoint=candidate.mqtt, mode="mqtt", id_scope=candidate.id_scope),
            certify,
        )
    return CaseResult(
        case="mqtt-x509",
        title="MQTT registration, X.509 chain",
        unit="us CPU",
        reference="Mosquitto judging the same chains, connect, subscribe, two publishes",
        candidate="homeport",
        bound=1.5,
        aim=1.2,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes,
    )
