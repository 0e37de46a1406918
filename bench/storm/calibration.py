"""What each step of a registration costs the server here and now: the numbers that the model is fed with.

Processor time comes from turns of the load generator: whole registrations, handshakes alone, status look-ups alone (a
poll reads the same record); what is left is the registration's own. They are then stretched to the rate that was really
reached, so that the model's capacity is the measured one, with all that a server shares its machine with.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.enrolling import GROUP_KEY
from bench.generator import Fleet, Generator
from bench.measurement import Cost, cost_of
from bench.servers.homeport import Homeport
from bench.servers.process import Endpoint
from bench.storm.deployment import ServiceTimes

DEVICES = 24
TURNS = 3
LEAST_SHARE = 0.05
"""Of the whole, for the registration itself, should noise leave less of it."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`capacity` is devices a second over all workers; `times` are a worker's, and agree with it."""

    capacity: float
    times: ServiceTimes
    cpu_us: float
    """Processor time of the server for each registration, as the benchmark reports it."""


def calibrate(
    server: Homeport, generator: Generator, *, mqtt_share: float, workers: int, operations: int
) -> Calibration:
    """Measure a fleet of which so large a part speaks MQTT and the rest HTTPS."""

    def cost(mode: str, endpoint: Endpoint, prefix: str) -> Cost:
        fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix=prefix, size=operations)
        return cost_of(server, lambda: generator.run(mode, endpoint, fleet, operations=operations, devices=DEVICES))

    def median(mode: str, endpoint: Endpoint, *prefixes: str) -> Cost:
        return median_of([cost(mode, endpoint, prefix) for prefix in prefixes])

    turns = range(TURNS)
    cost("https", server.tls, "warm-")
    https = median("https", server.tls, *(f"https-{turn}-" for turn in turns))
    mqtt = median("mqtt", server.mqtt, *(f"mqtt-{turn}-" for turn in turns))
    handshake = median("handshake", server.tls, *("hands-" for _ in turns))
    poll = median("lookup", server.tls, *(f"https-{turn}-" for turn in turns))
    return combine(https, mqtt, handshake, poll, mqtt_share=mqtt_share, workers=workers)


def median_of(costs: Sequence[Cost]) -> Cost:
    """The median of each figure: one turn may have had to share the machine."""
    return Cost(
        cpu_us=statistics.median(each.cpu_us for each in costs),
        per_second=statistics.median(each.per_second for each in costs),
        bystanders=statistics.median(each.bystanders for each in costs),
    )


def combine(https: Cost, mqtt: Cost, handshake: Cost, poll: Cost, *, mqtt_share: float, workers: int) -> Calibration:
    """The service times that follow from the four turns."""
    whole = https.cpu_us * (1 - mqtt_share) + mqtt.cpu_us * mqtt_share
    capacity = 1 / ((1 - mqtt_share) / https.per_second + mqtt_share / mqtt.per_second)
    register = max(whole - handshake.cpu_us - poll.cpu_us, LEAST_SHARE * whole)
    total = handshake.cpu_us + register + poll.cpu_us
    second = workers / (capacity * total)  # a worker's second for each microsecond that was measured
    times = ServiceTimes(
        handshake=handshake.cpu_us * second,
        register=register * second,
        poll=poll.cpu_us * second,
        refusal=poll.cpu_us * second,
    )
    return Calibration(capacity=capacity, times=times, cpu_us=whole)
