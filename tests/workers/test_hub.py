"""The hub in the box over two workers: which of them a device is connected to, and which serves an operator, is
nobody's business but theirs.

Where the kernel sends a connection is chance; each test has so many that both workers have some.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.sockets.api import Administrator
from tests.sockets.devices import VERSION
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.signing import hub_device_token
from tests.workers.node import Node, running, until

from homeport.protocols.mqtt import hub_topics
from homeport.protocols.mqtt.hub_topics import Subscription
from homeport.protocols.mqtt.packets import Connack, Connect, Puback, Publish, ReturnCode, Suback, Subscribe
from homeport.storage.node_memory import NODE_MEMORY

MANY = 16


class HubDevice:
    """A device that an operator has made at the hub, and its connections."""

    def __init__(self, node: Node, administrator: Administrator, device_id: str) -> None:
        self._node = node
        self.device_id = device_id
        made = administrator.hub("PUT", f"/devices/{device_id}", {"deviceId": device_id})
        assert made.status == 200, made
        self._key: str = made.json()["authentication"]["symmetricKey"]["primaryKey"]

    def connect(self) -> MqttPeer:
        """A connection that listens for desired properties."""
        host = self._node.deployment.host
        peer = MqttPeer(self._node.deployment)
        password = hub_device_token(host, self.device_id, self._key).encode()
        name = hub_topics.user_name(host, self.device_id, VERSION)
        peer.say(Connect(client_id=self.device_id, user_name=name, password=password))
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)
        peer.say(Subscribe(1, ((Subscription.DESIRED_PROPERTIES.value, 0),)))
        assert peer.hear() == Suback(1, (0,))
        return peer

    def send(self, peer: MqttPeer, body: bytes) -> None:
        """Telemetry, acknowledged."""
        peer.say(Publish(topic=hub_topics.events_topic(self.device_id), payload=body, qos=1, packet_id=7))
        assert peer.hear() == Puback(7)


class Fleet:
    """Devices, and administrators with a connection each."""

    def __init__(self, node: Node, resources: ExitStack) -> None:
        self.node = node
        self._resources = resources
        self.administrators = [self.administrator() for _ in range(MANY)]
        makers = zip(self.administrators, range(MANY), strict=True)
        self.devices = [HubDevice(node, administrator, f"dev-{number}") for administrator, number in makers]
        self.peers: list[MqttPeer] = []
        self.connect()

    def administrator(self) -> Administrator:
        """One more."""
        return self._resources.enter_context(Administrator(self.node.deployment))

    def connect(self) -> list[MqttPeer]:
        """A connection of each device; the ones before are returned, for the hub to end."""
        before = self.peers
        self.peers = [self._resources.enter_context(device.connect()) for device in self.devices]
        return before

    def states(self, administrator: Administrator) -> set[str]:
        """How an administrator sees the devices."""
        return {device["connectionState"] for device in administrator.hub("GET", "/devices").json()}

    def events(self, administrator: Administrator) -> list[tuple[str, int]]:
        """Whose messages an administrator sees, with their numbers."""
        events: list[dict[str, Any]] = administrator.hub("GET", "/hub/events").json()["events"]
        return [(event["deviceId"], event["sequenceNumber"]) for event in events]


@pytest.fixture(autouse=True)
def run_parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the server makes its run directory; pytest's own paths are too long for sockets."""
    with TemporaryDirectory(prefix="hub-") as directory:
        monkeypatch.setenv("RUNTIME_DIRECTORY", directory)
        yield Path(directory)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running(tmp_path) as node, ExitStack() as resources:
        yield Fleet(node, resources)


def soon(condition: Callable[[], bool], what: str, fleet: Fleet) -> None:
    until(condition, what, fleet.node.server)


def test_each_device_hears_of_its_desired_properties_whoever_takes_them(fleet: Fleet) -> None:
    for version in range(2, 6):
        for number, (device, peer) in enumerate(zip(fleet.devices, fleet.peers, strict=True)):
            administrator = fleet.administrators[(number + version) % MANY]
            patch = {"properties": {"desired": {"rate": version}}}
            assert administrator.hub("PATCH", f"/twins/{device.device_id}", patch).status == 200
            told = peer.hear_publish()
            assert told.topic == hub_topics.desired_properties_topic(version)
            assert json.loads(told.payload) == {"rate": version, "$version": version}


def test_a_device_that_connects_again_has_one_connection(fleet: Fleet) -> None:
    for _ in range(3):
        for earlier in fleet.connect():
            assert earlier.hear() is None
    for device, peer in zip(fleet.devices, fleet.peers, strict=True):
        device.send(peer, b"still here")
    soon(lambda: fleet.states(fleet.administrators[0]) == {"Connected"}, "all are shown as connected", fleet)


def test_every_administrator_sees_who_is_connected(fleet: Fleet) -> None:
    for administrator in fleet.administrators:
        soon(lambda: fleet.states(administrator) == {"Connected"}, "all are shown as connected", fleet)  # noqa: B023
    for peer in fleet.peers:
        peer.close()
    for administrator in fleet.administrators:
        soon(lambda: fleet.states(administrator) == {"Disconnected"}, "all are shown as gone", fleet)  # noqa: B023


def test_a_device_that_is_deleted_or_disabled_is_disconnected_wherever_it_is(fleet: Fleet) -> None:
    for number, (device, peer) in enumerate(zip(fleet.devices, fleet.peers, strict=True)):
        administrator, path = fleet.administrators[-number], f"/devices/{device.device_id}"
        if number % 2:
            assert administrator.hub("DELETE", path).status == 204
        else:
            known = administrator.hub("GET", path).json()
            answer = administrator.hub("PUT", path, {**known, "status": "disabled"}, if_match="*")
            assert answer.status == 200, answer
        assert peer.hear() is None


def test_every_message_is_seen_through_every_worker_and_outlives_the_one_that_took_it(fleet: Fleet) -> None:
    for device, peer in zip(fleet.devices, fleet.peers, strict=True):
        device.send(peer, b"1")
    everybody = {device.device_id for device in fleet.devices}

    def all_seen(administrator: Administrator) -> bool:
        seen = fleet.events(administrator)
        return {device_id for device_id, _ in seen} == everybody and [n for _, n in seen] == [*range(1, MANY + 1)]

    for administrator in fleet.administrators:
        soon(lambda: all_seen(administrator), "all messages are seen", fleet)  # noqa: B023
    killed = fleet.node.workers()["0"]
    fleet.node.kill(killed)
    soon(lambda: fleet.node.workers().get("0", killed) != killed, "another worker has slot 0", fleet)
    assert all_seen(fleet.administrator())


def test_a_killed_worker_s_devices_are_shown_as_gone_and_come_back(fleet: Fleet) -> None:
    soon(lambda: fleet.states(fleet.administrators[0]) == {"Connected"}, "all are shown as connected", fleet)
    killed = fleet.node.workers()["1"]
    fleet.node.kill(killed)
    soon(lambda: fleet.node.workers().get("1", killed) != killed, "another worker has slot 1", fleet)
    administrator = fleet.administrator()
    soon(lambda: fleet.states(administrator) == {"Connected", "Disconnected"}, "some are gone", fleet)
    fleet.connect()
    soon(lambda: fleet.states(administrator) == {"Connected"}, "all are back", fleet)


def test_devices_are_told_and_displaced_across_a_rolling_restart(fleet: Fleet, run_parent: Path) -> None:
    fleet.node.roll()
    fleet.connect()
    administrators = [fleet.administrator() for _ in range(4)]
    for number, (device, peer) in enumerate(zip(fleet.devices, fleet.peers, strict=True)):
        patch = {"properties": {"desired": {"rate": 9}}}
        assert administrators[number % 4].hub("PATCH", f"/twins/{device.device_id}", patch).status == 200
        assert json.loads(peer.hear_publish().payload)["rate"] == 9
    for earlier in fleet.connect():
        assert earlier.hear() is None
    assert len(list(run_parent.glob("*/worker-*.sock"))) == 2


def test_nothing_is_left_of_what_the_workers_shared(tmp_path: Path, run_parent: Path) -> None:
    with running(tmp_path) as node:
        with Administrator(node.deployment) as administrator:
            device = HubDevice(node, administrator, "dev")
            with device.connect() as peer:
                device.send(peer, b"1")
        (directory,) = run_parent.iterdir()
        assert directory.stat().st_mode & 0o777 == 0o700
        assert list(directory.glob("worker-*.sock"))
        node.server.kill()
        assert list(directory.glob(NODE_MEMORY))
        node.deployment = node.server.start()
        assert directory not in run_parent.iterdir()
    assert list(run_parent.iterdir()) == []
