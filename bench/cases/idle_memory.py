"""What an idle MQTT connection holds: memory with so many connected and subscribed devices, less that before.

A fresh server for every round, since memory that was used once is not handed back. Some registrations come
first, so that code and caches that any server has loaded after a minute are not counted as connections.
Mosquitto stands beside it for scale; the bound is in KiB.
"""

import time
from pathlib import Path

from bench.enrolling import GROUP_KEY, enroll_symmetric_group
from bench.generator import Fleet
from bench.measurement import CaseResult, Judged, Round
from bench.plan import Plan
from bench.processes import memory_bytes
from bench.servers.homeport import homeport
from bench.servers.mosquitto import mosquitto
from bench.servers.process import Endpoint, Server

SETTLE_SECONDS = 1.0


def measure_idle_memory(plan: Plan) -> CaseResult:
    """KiB per idle MQTT connection over TLS."""
    directory = plan.workspace / "idle-memory"
    rounds = []
    for number in range(1, plan.settings.rounds + 1):
        plan.narrator.tell(f"round {number} of {plan.settings.rounds}")
        here = directory / str(number)
        rounds.append(Round(reference=_of_mosquitto(plan, here), candidate=_of_homeport(plan, here)))
    return CaseResult(
        case="idle-memory",
        title=f"Idle MQTT connection, {plan.settings.idle_connections:,} held",
        unit="KiB",
        reference="Mosquitto",
        candidate="homeport",
        bound=64,
        aim=45,
        judged=Judged.CANDIDATE,
        rounds=rounds,
    )


def _of_mosquitto(plan: Plan, directory: Path) -> float:
    with mosquitto(directory / "mosquitto") as server:
        fleet = Fleet(group_key=GROUP_KEY, prefix="warm-")
        plan.warm_up("mqtt-broker", server.tls, fleet)
        return _per_connection(plan, server, server.tls, fleet)


def _of_homeport(plan: Plan, directory: Path) -> float:
    with homeport(directory / "homeport") as server:
        enroll_symmetric_group(server)
        fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix="warm-")
        plan.warm_up("mqtt", server.mqtt, fleet)
        return _per_connection(plan, server, server.mqtt, fleet)


def _per_connection(plan: Plan, server: Server, endpoint: Endpoint, fleet: Fleet) -> float:
    before = _settled_memory(server)
    with plan.generator.idle_connections(endpoint, fleet, plan.settings.idle_connections):
        return (_settled_memory(server) - before) / plan.settings.idle_connections / 1024


def _settled_memory(server: Server) -> int:
    time.sleep(SETTLE_SECONDS)
    return memory_bytes(server.pid)
