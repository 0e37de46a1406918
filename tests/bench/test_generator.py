"""The load generator against a real homeport: every transport, token and certificate, and what it does not let pass.

A handful of devices each; what they cost is not looked at.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench.device_certificates import Issue, make_authority, make_devices, make_self_signed, write_credentials
from bench.enrolling import GROUP_KEY, enroll_individuals, enroll_signing_group, enroll_symmetric_group
from bench.failures import BenchError
from bench.generator import Fleet, Generator, build
from bench.narrator import Narrator
from bench.plan import Plan, Settings
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import Homeport, homeport
from bench.servers.process import Endpoint
from rich.console import Console
from tests.loopback import Network, address

DEVICES = 4


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return build(tmp_path_factory.mktemp("generator"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Homeport]:
    with homeport(tmp_path / "homeport", address=address(Network.GENERATOR)) as running:
        yield running


def register(generator: Generator, server: Homeport, mode: str, fleet: Fleet) -> int:
    """So many certificate requests as the server made."""
    endpoint = {"https": server.tls, "mqtt": server.mqtt, "amqp": server.amqp}[mode]
    result = generator.run(mode, endpoint, fleet, operations=DEVICES, devices=3)
    assert result.operations == DEVICES
    assert result.session_tickets == 0
    return result.certificate_requests


def with_certificates(fleet: Fleet, directory: Path, issue: Issue) -> Fleet:
    devices = make_devices(fleet.prefix, DEVICES, issue)
    return replace(fleet, certificates=write_credentials(directory / f"{fleet.prefix}.pem", devices))


def test_devices_register_over_every_transport(generator: Generator, server: Homeport, tmp_path: Path) -> None:
    authority = make_authority()
    by_token = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix="token-")
    enroll_symmetric_group(server)
    for mode in ("https", "mqtt", "amqp"):
        assert register(generator, server, mode, replace(by_token, prefix=f"{mode}-token-")) == DEVICES
    enroll_signing_group(server, authority.root.pem)
    for mode in ("https", "mqtt", "amqp"):
        fleet = with_certificates(replace(by_token, prefix=f"{mode}-x509-"), tmp_path, authority.device)
        assert register(generator, server, mode, fleet) == DEVICES


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_devices_may_share_threads(generator: Generator, server: Homeport, threads: int) -> None:
    sharing = replace(generator, threads=threads)
    enroll_symmetric_group(server)
    for mode in ("https", "mqtt", "amqp"):
        fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix=f"{mode}-")
        assert register(sharing, server, mode, fleet) == DEVICES


def test_a_server_that_is_gone_ends_the_run(generator: Generator, server: Homeport) -> None:
    nobody = Endpoint(server.tls.address, server.tls.port + 1_000)
    fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix="lost-")
    with pytest.raises(BenchError, match="Connection refused"):
        generator.run("https", nobody, fleet, operations=1, devices=1)


@pytest.mark.parametrize(
    ("mode", "complaint"), [("https", "HTTP 401 instead"), ("mqtt", "res/401"), ("amqp", "was not accepted")]
)
def test_a_refusal_ends_the_run(generator: Generator, server: Homeport, mode: str, complaint: str) -> None:
    enroll_symmetric_group(server)
    strangers = Fleet(id_scope=server.id_scope, group_key="AAAA", prefix="stranger-")
    with pytest.raises(BenchError, match=complaint):
        register(generator, server, mode, strangers)


def test_a_refused_enrollment_ends_the_run(server: Homeport) -> None:
    device = make_self_signed("device-1")
    with pytest.raises(BenchError, match="homeport refused enrollments"):
        enroll_individuals(server, {"device-1": device.pem, "device-2": "no certificate"})


def test_fewer_certificates_than_devices_are_refused(generator: Generator, server: Homeport, tmp_path: Path) -> None:
    fleet = with_certificates(
        Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix="few-"), tmp_path, make_self_signed
    )
    with pytest.raises(BenchError, match="4 certificates are too few for 5 devices"):
        generator.run("https", server.tls, fleet, operations=DEVICES + 1, devices=1)


def make_plan(generator: Generator, directory: Path) -> Plan:
    settings = Settings(rounds=2, operations=DEVICES, devices=2, population=0, idle_connections=0)
    return Plan(
        settings=settings,
        generator=generator,
        workspace=directory,
        narrator=Narrator(Console(file=io.StringIO())),
    )


def test_a_plan_in_one_thread_is_one_of_more_devices(generator: Generator, tmp_path: Path) -> None:
    plan = make_plan(generator, tmp_path)
    shared = plan.in_one_thread(devices=4, operations=2)
    assert (shared.settings.devices, shared.settings.operations) == (8, 2 * DEVICES)
    assert (plan.generator.threads, shared.generator.threads) == (None, 1)


def test_every_turn_has_devices_of_its_own(generator: Generator, server: Homeport, tmp_path: Path) -> None:
    turns = []

    def certify(prefix: str, count: int) -> Path:
        turns.append((prefix, count))
        devices = make_devices(prefix, count, make_self_signed)
        enroll_individuals(server, {name: device.pem for name, device in devices.items()})
        return write_credentials(tmp_path / f"{prefix}.pem", devices)

    plan = make_plan(generator, tmp_path)
    https = Side(server=server, endpoint=server.tls, mode="https", id_scope=server.id_scope)
    mqtt = Side(server=server, endpoint=server.mqtt, mode="mqtt", id_scope=server.id_scope)
    rounds, notes = take_turns(plan, https, mqtt, certify)
    assert turns == [("warm-", plan.settings.warm_up), ("round-1-", DEVICES), ("round-2-", DEVICES)]
    assert len(rounds) == 2
    assert notes == ["homeport: asked for a client certificate, 0 session tickets a connection"] * 2
