"""SIGHUP: workers are relieved one by one, and every device finishes with the one that it began with."""

import ssl
from pathlib import Path

from tests.sockets.api import Administrator
from tests.sockets.devices import VERSION, Device
from tests.sockets.peer import HTTPS, Peer, connect, handshake_with
from tests.sockets.raw_http import Answer, read_answer, request
from tests.sockets.raw_mqtt import MqttPeer
from tests.workers.node import Node, running, until
from tests.workers.rolling import play

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.packets import Connack, Publish, ReturnCode, Suback, Subscribe

DEVICES = 400


def device(node: Node) -> Device:
    with Administrator(node.deployment) as administrator:
        return Device(node.deployment, "dev-1", administrator.enroll_group("group"))


def roll_begins(node: Node) -> None:
    """SIGHUP, until the worker that holds the one open connection has been relieved."""
    node.server.hang_up()
    held = lambda: any(event["connections"] for event in node.events("winding_down"))  # noqa: E731
    until(held, "the worker of the open connection is winding down", node.server)


def roll_ends(node: Node) -> None:
    until(lambda: node.events("rolling_restart_done"), "the roll is done", node.server)


def test_nobody_fails_in_a_rolling_restart(tmp_path: Path) -> None:
    rolled = play(tmp_path, devices=DEVICES)
    print(rolled, *rolled.cut_off, sep="\n")
    assert rolled.devices >= DEVICES


def test_a_device_on_mqtt_finishes_its_registration_where_it_began(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        mine = device(node)
        with MqttPeer(node.deployment) as peer:
            peer.say(mine.connect_packet(), Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
            assert (peer.hear(), peer.hear()) == (Connack(ReturnCode.ACCEPTED), Suback(1, (1,)))
            roll_begins(node)
            peer.say(Publish(topic=dps_topics.register_topic("r"), payload=b"{}", qos=1, packet_id=2))
            assert b'"status":"assigning"' in peer.hear_publish().payload.replace(b" ", b"")
        roll_ends(node)


def test_a_kept_connection_is_told_that_its_answer_was_the_last(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        mine = device(node)
        with Peer(node.deployment, HTTPS) as peer:
            first = ask(peer, mine, "PUT", "register", b"{}")
            assert (first.status, first.headers.get("connection")) == (202, None)
            roll_begins(node)
            last = ask(peer, mine, "GET", f"operations/{first.json()['operationId']}")
            assert (last.json()["status"], last.headers["connection"]) == ("assigned", "close")
        roll_ends(node)


def test_so_is_an_administrators(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        with Administrator(node.deployment) as administrator:
            administrator.enroll_group("before")
            roll_begins(node)
            answer = administrator.service("GET", "/enrollmentGroups/before")
            assert (answer.status, answer.headers["connection"]) == (200, "close")
        roll_ends(node)


def test_a_connection_that_has_said_nothing_yet_is_served(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        plain = connect(node.deployment, HTTPS)
        roll_begins(node)
        shaken: ssl.SSLSocket = handshake_with(node.deployment.tls, node.deployment.host)(plain)
        shaken.sendall(request("GET", "/healthz", [("Host", node.deployment.host)]))
        answer = shaken.recv(4096).lower()
        assert answer.startswith(b"http/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        shaken.close()
        roll_ends(node)


def test_a_broken_configuration_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        before, good = node.workers(), node.config_file.read_text()
        node.config_file.write_text("[server\n")
        node.server.hang_up()
        until(lambda: node.events("configuration_refused"), "the configuration is refused", node.server)
        assert "is not TOML" in node.events("configuration_refused")[0]["reason"]
        assert node.workers() == before
        node.config_file.write_text(good)
        node.roll()
        assert not set(node.workers().values()) & set(before.values())


def test_a_relief_that_cannot_start_ends_the_roll(tmp_path: Path) -> None:
    """The configuration can be read, but what it names is gone."""
    with running(tmp_path) as node:
        before = node.workers()
        key = node.server.data_dir / "sealing.key"
        key.rename(key.with_suffix(".away"))
        node.server.hang_up()
        until(lambda: node.events("rolling_restart_given_up"), "the roll is given up", node.server)
        assert "sealing key" in node.events("worker_ended")[0]["reason"]
        assert node.workers() == before
        key.with_suffix(".away").rename(key)
        node.roll()


def ask(peer: Peer, device: Device, method: str, what: str, body: bytes | None = None) -> Answer:
    target = f"/{device.deployment.id_scope}/registrations/{device.registration_id}/{what}?api-version={VERSION}"
    headers = [("Host", device.deployment.host), ("Authorization", device.token)]
    peer.send(request(method, target, [*headers, ("Content-Type", "application/json")], body))
    return read_answer(peer)


def test_what_the_supervisor_itself_has_made_needs_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.config_file.write_text(node.config_file.read_text().replace("[server]", '[server]\nnode = "other"'))
        node.roll()
        assert [event["keys"] for event in node.events("configuration_needs_restart")] == [["node"]]
