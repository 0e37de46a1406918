"""A small storm for real: the load generator's devices against a homeport, and against a server that is none.

How long anything takes is not looked at.
"""

import socket
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from bench.enrolling import enroll_symmetric_group
from bench.failures import BenchError
from bench.generator import Generator, build
from bench.servers.homeport import Homeport, homeport
from bench.servers.process import Endpoint
from bench.storm.calibration import calibrate
from bench.storm.clients import CLIENTS, ApplicationLoop, RetryRule
from bench.storm.fleet import Fleet
from bench.storm.real_plan import write_plan
from bench.storm.real_run import RealStorm, run_storm
from tests.loopback import Network, address

AT_ONCE = ApplicationLoop(first=0.05, longest=0.1)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return build(tmp_path_factory.mktemp("generator"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeport]:
    directory = tmp_path_factory.mktemp("homeport")
    with homeport(directory, address=address(Network.STORM)) as running:
        enroll_symmetric_group(running)
        yield running


def quick(rule: RetryRule) -> RetryRule:
    """The same rule for those who have no time: its pauses are a hundredth."""
    first_poll = None if rule.first_poll is None else rule.first_poll / 100
    return replace(rule, default=rule.default / 100, jitter=rule.jitter / 100, first_poll=first_poll, shortest=1e6)


def hold(
    generator: Generator, server: Homeport, directory: Path, rules: list[RetryRule], *, deadline: float = 60
) -> RealStorm:
    fleet = Fleet(arrivals=array("d", [0.001 * number for number in range(len(rules))]), clients=rules)
    plan = write_plan(
        directory / "plan",
        fleet,
        ports={"https": server.tls.port, "mqtt": server.mqtt.port},
        seed=1,
        deadline=deadline,
        application=AT_ONCE,
    )
    return run_storm(generator, server, plan, len(fleet), lambda done, now: None)


def test_devices_of_every_client_are_provisioned(generator: Generator, server: Homeport, tmp_path: Path) -> None:
    rules = [quick(rule) for rule in CLIENTS.values()] * 12
    storm = hold(generator, server, tmp_path, rules)
    assert storm.outcome.provisioned == len(rules)
    assert storm.outcome.attempts == storm.outcome.handshakes == len(rules)
    assert storm.outcome.wasted_handshakes == 0
    assert storm.setbacks.timeouts == storm.setbacks.disconnects == storm.setbacks.errors == 0
    assert storm.most_attempts == 1
    assert len(storm.whole) == len(storm.outcome.served) == len(rules)
    assert min(*storm.outcome.connecting, *storm.outcome.queued, *storm.outcome.served) >= 0
    assert storm.outcome.answered[-1] < storm.whole[-1]


def test_a_calibration_knows_what_each_step_costs(generator: Generator, server: Homeport) -> None:
    result = calibrate(server, generator, mqtt_share=0.5, workers=1, operations=30)
    assert result.times.provisioning == pytest.approx(1 / result.capacity)
    assert min(result.times.handshake, result.times.register, result.times.poll) > 0


@contextmanager
def closing_every_connection() -> Iterator[Endpoint]:
    """A server that is worse than none: it accepts, and closes."""

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                listening.accept()[0].close()
            except OSError:
                return

    with socket.create_server(("127.77.2.100", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield Endpoint(*listening.getsockname())
        listening.shutdown(socket.SHUT_RDWR)


def test_a_device_that_is_let_down_tries_again_until_the_deadline(
    generator: Generator, server: Homeport, tmp_path: Path
) -> None:
    with closing_every_connection() as endpoint:
        storm = hold(
            generator, replace(server, tls=endpoint, mqtt=endpoint), tmp_path, [CLIENTS["node-http"]] * 3, deadline=0.6
        )
    assert storm.outcome.provisioned == 0
    assert storm.setbacks.disconnects >= 6
    assert storm.outcome.handshakes == 0


def test_a_device_that_hears_nothing_gives_up_after_its_time_out(
    generator: Generator, server: Homeport, tmp_path: Path
) -> None:
    impatient = replace(CLIENTS["python-mqtt"], request_timeout=0.1)
    with socket.create_server(("127.77.2.101", 0)) as silent:
        endpoint = Endpoint(*silent.getsockname())
        storm = hold(generator, replace(server, tls=endpoint, mqtt=endpoint), tmp_path, [impatient] * 2, deadline=0.6)
    assert storm.outcome.provisioned == 0
    assert storm.setbacks.timeouts >= 2


def test_a_plan_that_cannot_be_read_is_complained_about(generator: Generator, server: Homeport, tmp_path: Path) -> None:
    plan = tmp_path / "plan"
    plan.write_text("storm 1 1 1 1\ndevice 0 0\n")
    with pytest.raises(BenchError, match="no device"):
        run_storm(generator, server, plan, 1, lambda done, now: None)
