"""A registration over MQTT with a SAS token, against Mosquitto passing the same packets of the device.

homeport: CONNECT, SUBSCRIBE, PUBLISH register, its answer, PUBLISH poll, its answer (assigned), DISCONNECT.
Mosquitto: CONNECT, SUBSCRIBE, two PUBLISH of QoS 1, DISCONNECT; nobody answers there, nothing is stored or
checked. Each on a fresh TCP connection with a full TLS 1.3 handshake.
"""

from bench.enrolling import enroll_symmetric_group
from bench.measurement import CaseResult, Judged
from bench.plan import Plan
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import homeport
from bench.servers.mosquitto import mosquitto


def measure_mqtt_sas(plan: Plan) -> CaseResult:
    """Server CPU per registration, homeport / Mosquitto."""
    directory = plan.workspace / "mqtt-sas"
    with mosquitto(directory / "mosquitto") as reference, homeport(directory / "homeport") as candidate:
        enroll_symmetric_group(candidate)
        rounds, notes = take_turns(
            plan,
            Side(server=reference, endpoint=reference.tls, mode="mqtt-broker"),
            Side(server=candidate, endpoint=candidate.mqtt, mode="mqtt", id_scope=candidate.id_scope),
        )
    return CaseResult(
        case="mqtt-sas",
        title="MQTT registration with SAS, durable",
        unit="us CPU",
        reference="Mosquitto, connect, subscribe, two publishes",
        candidate="homeport",
        bound=1.5,
        aim=1.2,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes,
    )
