"""Devices, strangers and administrators who ask too often, on a server with small limits: 429 in every spelling.

Such a server is nobody's to share: what one test uses up another would miss. So each takes devices and groups of its
own, and the limits that are in all stay out of reach but for those that a test is about.
"""

import base64
import socket
import ssl
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.hostile.amqp_attempts import LinkedPeer, message, request
from tests.hostile.attempts import DeviceAttempt
from tests.hostile.site import Site
from tests.loopback import Network, address
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_amqp import ACCEPTED, DISPOSITION, REJECTED, Described
from tests.sockets.raw_http import Answer, exchange, read_answer
from tests.sockets.raw_http import request as http_request
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import ServerProcess

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.packets import Publish, Subscribe

LIMITS = {
    "REGISTRATIONS_PER_MINUTE_PER_DEVICE": "2",
    "REGISTRATIONS_PER_MINUTE_PER_GROUP": "30",
    "POLLS_PER_10_SECONDS_PER_DEVICE": "3",
    "REQUESTS_PER_MINUTE_PER_ADDRESS": "600",
    "SERVICE_OPERATIONS_PER_MINUTE": "40",
    "LONGEST_RETRY_AFTER": "25",
}
THROTTLED = 429001
ELSEWHERE = "127.94.0.9"
UNKNOWN_KEY = base64.b64encode(b"a key of no group here").decode()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with small limits."""
    server = ServerProcess(
        tmp_path_factory.mktemp("limited"), address(Network.THROTTLING), log_level="debug", workers=1
    )
    with pytest.MonkeyPatch.context() as environment:
        for key, value in LIMITS.items():
            environment.setenv(f"HOMEPORT_LIMITS_{key}", value)
        try:
            site = Site.open(server)
            yield site
            server.stop()
            site.check_log()
        finally:
            server.end()


@pytest.fixture
def device(limited: Site) -> Device:
    """A device of a group of its own."""
    device = limited.device()
    with Administrator(limited.deployment) as administrator:
        key = administrator.enroll_group(f"group-of-{device.registration_id}")
    limited.secrets.add(key)
    again = Device(limited.deployment, device.registration_id, key)
    limited.secrets.add(again.key)
    return again


def answers(site: Site, *requests: bytes) -> list[Answer]:
    """The answers to requests on one connection."""
    with Peer(site.deployment, HTTPS) as peer:
        heard = []
        for each in requests:
            peer.send(each)
            heard.append(read_answer(peer))
        return heard


def check_wait(seconds: int) -> None:
    """A time in whole seconds, and not longer than the longest."""
    assert 1 <= seconds <= 25


def test_registering_too_often_over_https(limited: Site, device: Device) -> None:
    attempt = DeviceAttempt(limited, device)
    first, second, third, poll = answers(limited, *[attempt.register()] * 3, attempt.ask("5.unknown"))
    assert (first.status, second.status) == (202, 202)
    limited.check_refusal(third, 429, THROTTLED)
    check_wait(int(third.headers["retry-after"]))
    # The connection stays, and other questions are other questions.
    assert poll.status == 404


def test_registering_too_often_over_mqtt(limited: Site, device: Device) -> None:
    with MqttPeer(limited.deployment) as peer:
        peer.say(device.connect_packet(), Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
        said = []
        for number in range(3):
            peer.say(Publish(topic=dps_topics.register_topic(f"r{number}"), payload=b"{}"))
            said.append(peer.hear_publish())
    responses = [dps_topics.parse_response(each.topic) for each in said]
    assert [(each.status, each.request_id) for each in responses] == [(202, "r0"), (202, "r1"), (429, "r2")]
    check_wait(responses[2].retry_after or 0)
    assert f"&retry-after={responses[2].retry_after}" in said[2].topic
    limited.check_error_body(said[2].payload, THROTTLED)


def test_registering_too_often_over_amqp(limited: Site, device: Device) -> None:
    with LinkedPeer.attach(limited, device) as peer:
        outcomes = []
        for number in range(3):
            peer.send(request(number, message("iotdps-register")))
            outcomes.append(peer.hear_until(DISPOSITION).field(4))
    assert [each.code for each in outcomes] == [ACCEPTED, ACCEPTED, REJECTED]
    error = outcomes[2].field(0)
    assert isinstance(error, Described)
    assert error.field(0) == "com.microsoft:device-container-throttled"
    limited.check_error_body(error.field(1).encode(), THROTTLED)
    info = error.field(2)
    assert info["retry-after"] == info["Retry-After"]
    check_wait(info["retry-after"])


def test_polling_too_often(limited: Site, device: Device) -> None:
    attempt = DeviceAttempt(limited, device)
    (begun,) = answers(limited, attempt.register())
    operation_id = begun.json()["operationId"]
    *polls, fourth = answers(limited, attempt.ask(operation_id), attempt.look_up(), *[attempt.ask(operation_id)] * 2)
    assert [poll.status for poll in polls] == [200, 200, 200]
    limited.check_refusal(fourth, 429, THROTTLED)
    check_wait(int(fourth.headers["retry-after"]))


def test_a_stranger_uses_up_nothing_that_is_a_devices(limited: Site, device: Device) -> None:
    stranger = DeviceAttempt(limited, Device(limited.deployment, device.registration_id, UNKNOWN_KEY))
    for answer in answers(limited, *[stranger.register()] * 20, *[stranger.ask("5.unknown")] * 20):
        assert answer.status == 401
    assert device.register_over_https().assignment is not None


def test_a_group_whose_devices_come_too_often(limited: Site, device: Device) -> None:
    fleet = [Device(limited.deployment, f"{device.registration_id}-{number}", device.group_key) for number in range(35)]
    limited.secrets |= {member.key for member in fleet}
    limited.registration_ids |= {member.registration_id for member in fleet}
    statuses = [answer.status for answer in answers(limited, *(DeviceAttempt(limited, m).register() for m in fleet))]
    # One comes every other second while they ask.
    assert statuses[:30] == [202] * 30
    assert 429 in statuses[30:]
    assert limited.device().register_over_https().assignment is not None


def from_elsewhere(site: Site) -> Peer:
    """A connection from another address of this machine."""

    def handshake(plain: socket.socket) -> ssl.SSLSocket:
        plain.close()
        server = (site.deployment.host, HTTPS)
        return site.deployment.tls.wrap_socket(
            socket.create_connection(server, timeout=60, source_address=(ELSEWHERE, 0)),
            server_hostname=site.deployment.host,
        )

    return Peer(site.deployment, HTTPS, handshake)


def test_strangers_at_one_address_do_not_disturb_those_at_another(limited: Site, device: Device) -> None:
    stranger = DeviceAttempt(limited, Device(limited.deployment, device.registration_id, UNKNOWN_KEY))
    statuses = Counter[int]()
    with from_elsewhere(limited) as peer:
        while 429 not in statuses and statuses.total() < 2_000:
            peer.send(stranger.register())
            answer = read_answer(peer)
            statuses[answer.status] += 1
        limited.check_refusal(answer, 429, THROTTLED)
        # An administrator at that address as well.
        peer.send(http_request("GET", "/enrollments/a", [("Host", limited.deployment.host)]))
        limited.check_refusal(read_answer(peer), 429, THROTTLED)
    assert statuses[401] >= 600
    assert device.register_over_https().assignment is not None


def test_the_metrics_say_which_limits_were_met(limited: Site, device: Device) -> None:
    answers(limited, *[DeviceAttempt(limited, device).register()] * 3)
    (page,) = answers(limited, http_request("GET", "/metrics", [("Host", limited.deployment.host)]))
    assert 'homeport_throttled_total{limit="registrations_of_device"}' in page.body.decode()
    # Ready, and serving those who do not ask too often.
    limited.check_health()


def test_an_administrator_who_asks_too_often(limited: Site) -> None:
    """The last test here: it leaves nothing to others."""
    with Administrator(limited.deployment) as administrator:
        for _ in range(60):
            answer = administrator.service("GET", "/enrollmentGroups/hostile-group")
            if answer.status != 200:
                break
        limited.check_refusal(answer, 429, THROTTLED)
        check_wait(int(answer.headers["retry-after"]))
        # The hub's API is another, and a caller who may nothing is told that first.
        assert administrator.hub("GET", "/devices/unknown").status == 404
    nobody = http_request("GET", "/enrollmentGroups/hostile-group", [("Host", limited.deployment.host)])
    limited.check_refusal(exchange(limited.deployment, nobody), 401, 401000)
