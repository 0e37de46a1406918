"""The model's invariants: nobody is lost, nothing is done twice for nothing, and queues are as long as theory says."""

import statistics
from collections.abc import Mapping

import pytest
from bench.storm.clients import CLIENTS, MIXED
from bench.storm.deployment import Deployment, Limit, ServiceTimes
from bench.storm.fleet import make_fleet
from bench.storm.outcome import Outcome, largest_gap
from bench.storm.simulation import Simulation

TIMES = ServiceTimes(handshake=0.00037, register=0.00017, poll=0.00008, refusal=0.00008)
ONE_WORKER = Deployment(times=TIMES)
SERVERS = {
    "on": ONE_WORKER,
    "off": ONE_WORKER.without_admission(),
    "eager": ONE_WORKER.eager(),
    "limited": Deployment(times=TIMES, limit=Limit(per_second=1_000, burst_seconds=1)),
    "slow database": Deployment(times=TIMES, partitions=2, database_rate=400),
}
ALL_CLIENTS = {"mixed": MIXED} | {name: {name: 1.0} for name in CLIENTS}


def storm(
    deployment: Deployment,
    *,
    devices: int = 2_000,
    overload: float = 3,
    shares: Mapping[str, float] = MIXED,
    seed: int = 1,
    weight: float = 1,
) -> Outcome:
    seconds = devices * weight / (overload * deployment.capacity)
    fleet = make_fleet(devices, shares=shares, shape="ramp", seconds=seconds, seed=seed)
    return Simulation(fleet, deployment, seed=seed, weight=weight).run()


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("clients", ALL_CLIENTS)
def test_every_device_is_provisioned_in_the_end(server: str, clients: str) -> None:
    outcome = storm(SERVERS[server], shares=ALL_CLIENTS[clients])
    assert outcome.provisioned == outcome.devices == 2_000
    assert outcome.time_until(1) == max(outcome.provisioned_at)


@pytest.mark.parametrize("server", SERVERS)
def test_every_handshake_ended_with_a_device_or_came_to_nothing(server: str) -> None:
    outcome = storm(SERVERS[server])
    assert outcome.handshakes == outcome.provisioned + outcome.wasted_handshakes
    assert outcome.attempts >= outcome.handshakes


@pytest.mark.parametrize("server", SERVERS)
def test_no_more_work_is_done_than_there_is_time_for(server: str) -> None:
    outcome, deployment = storm(SERVERS[server]), SERVERS[server]
    busy = outcome.provisioned * TIMES.provisioning + outcome.wasted_handshakes * TIMES.handshake
    assert busy <= outcome.time_until(1) * deployment.workers
    assert outcome.peak_provisioned <= outcome.devices


def test_a_storm_repeats_by_its_seed() -> None:
    assert storm(ONE_WORKER) == storm(ONE_WORKER)
    assert storm(ONE_WORKER) != storm(ONE_WORKER, seed=2)


def test_admission_bounds_how_long_the_admitted_wait_however_large_the_storm() -> None:
    small, large = storm(ONE_WORKER, devices=5_000), storm(ONE_WORKER, devices=30_000)
    assert large.latency(0.99) < 1.5
    assert large.latency(0.99) == pytest.approx(small.latency(0.99), rel=0.2)
    eager = storm(ONE_WORKER.eager(), devices=30_000)
    assert eager.latency(0.99) > 10


def test_without_overload_nobody_waits_and_nothing_is_wasted() -> None:
    outcome = storm(ONE_WORKER, overload=0.5)
    assert outcome.latency(0.99) < 0.05
    assert outcome.attempts == outcome.handshakes == outcome.devices
    assert outcome.refused == 0


def test_a_limit_is_kept_to() -> None:
    limited = storm(SERVERS["limited"], devices=5_000)
    assert limited.refused > 0
    assert limited.time_until(1) > (5_000 - 1_000) / 1_000
    assert limited.peak_provisioned < 2_000


def test_clients_that_resend_need_one_handshake_and_those_that_give_up_need_more() -> None:
    resending = storm(SERVERS["limited"], devices=5_000, shares={"python-mqtt": 1})
    giving_up = storm(SERVERS["limited"], devices=5_000, shares={"node-http": 1})
    assert resending.refused > 0
    assert resending.wasted_handshakes == 0
    assert giving_up.wasted_handshakes == giving_up.refused > 0


@pytest.mark.parametrize("load", [0.5, 0.7, 0.9])
def test_a_single_queue_is_as_long_as_that_of_m_d_1(load: float) -> None:
    """Pollaczek and Khinchine: the mean wait is load / (2 (1 - load)) service times."""
    seconds = 0.001
    only_handshakes = ServiceTimes(handshake=seconds, register=0, poll=0, refusal=0, commit=0)
    deployment = Deployment(times=only_handshakes, target_lag=None, handshakes=1e9)
    outcome = storm(deployment, devices=100_000, overload=load, shares={"c-http": 1})
    expected = load / (2 * (1 - load)) * seconds
    assert statistics.mean(outcome.queued) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("server", "weight"),
    # A thousand cohorts are too few where most attempts end by a time-out.
    [*((server, 10) for server in SERVERS), ("on", 100), ("limited", 100)],
)
def test_cohorts_agree_with_single_devices(server: str, weight: int) -> None:
    deployment = SERVERS[server]
    devices = 1_000 * weight if weight > 10 else 20_000
    exact = storm(deployment, devices=devices)
    cohorts = storm(deployment, devices=devices // weight, weight=weight)
    assert cohorts.provisioned == exact.provisioned
    assert largest_gap(exact, cohorts) < 0.08
    assert cohorts.time_until(0.5) == pytest.approx(exact.time_until(0.5), rel=0.15)
    assert cohorts.time_until(0.99) == pytest.approx(exact.time_until(0.99), rel=0.15)
    assert cohorts.handshakes == pytest.approx(exact.handshakes, rel=0.15)


def test_an_interrupted_storm_tells_what_it_has() -> None:
    fleet = make_fleet(5_000, shares=MIXED, shape="ramp", seconds=10, seed=1)
    simulation = Simulation(fleet, ONE_WORKER, seed=1)
    half = simulation.run(until=5)
    assert 0 < half.provisioned < 5_000
    assert simulation.outcome() == half
    assert simulation.run().provisioned == 5_000


def test_progress_is_told_on_the_way() -> None:
    heard: list[tuple[int, float]] = []
    fleet = make_fleet(20_000, shares=MIXED, shape="ramp", seconds=10, seed=1)
    Simulation(fleet, ONE_WORKER, seed=1).run(report=lambda done, now: heard.append((done, now)))
    assert heard == sorted(heard)
    assert len(heard) > 2
