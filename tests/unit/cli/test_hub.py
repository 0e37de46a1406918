"""`homeport hub events`: what a real device has sent."""

import json

from tests.sockets.api import Administrator
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import Deployment
from tests.sockets.signing import hub_device_token
from tests.unit.cli.terminal import Terminal

from homeport.protocols.mqtt.packets import Connack, Connect, Puback, Publish, ReturnCode

DEVICE = "talker"
MESSAGES = [b'{"temperature":21.5}', b"plain text", b"\xff\x00"]


def send(deployment: Deployment, key: str, messages: list[bytes]) -> None:
    """Connect to the hub and send each message, acknowledged."""
    connect = Connect(
        client_id=DEVICE,
        user_name=f"{deployment.host}/{DEVICE}/?api-version=2021-04-12",
        password=hub_device_token(deployment.host, DEVICE, key).encode(),
        keep_alive=60,
    )
    with MqttPeer(deployment) as peer:
        peer.say(connect)
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)
        for number, payload in enumerate(messages, 1):
            peer.say(Publish(topic=f"devices/{DEVICE}/messages/events/", payload=payload, qos=1, packet_id=number))
            assert peer.hear() == Puback(number)


def test_events_are_printed_in_order_a_line_each(at_server: Terminal, deployment: Deployment) -> None:
    send(deployment, put_device(deployment), MESSAGES)
    result = at_server.run("hub", "events")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    mine = [event for event in events if DEVICE in json.dumps(event)]
    assert len(mine) == len(MESSAGES)
    numbers = [event["sequenceNumber"] for event in mine]
    assert numbers == sorted(numbers)
    assert f"{numbers[-1]} received, 0 dropped" in result.stderr

    later = [json.loads(line) for line in at_server.out("hub", "events", "--after", str(numbers[0])).splitlines()]
    assert [event["sequenceNumber"] for event in later] == numbers[1:]
    assert len(at_server.out("hub", "events", "--top", "1").splitlines()) == 1


def put_device(deployment: Deployment) -> str:
    """A device in the hub's registry; its key."""
    with Administrator(deployment) as administrator:
        answer = administrator.hub("PUT", f"/devices/{DEVICE}", {"deviceId": DEVICE})
    key: str = answer.json()["authentication"]["symmetricKey"]["primaryKey"]
    return key


def test_a_count_out_of_range_is_refused(nowhere: Terminal) -> None:
    assert "1<=x<=1000" in nowhere.error("hub", "events", "--top", "0")


def test_without_a_deployment_it_tells_how_to_start_one(nowhere: Terminal) -> None:
    assert "homeport up" in nowhere.error("hub", "events")
