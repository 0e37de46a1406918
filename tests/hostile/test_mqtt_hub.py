"""Hostile MQTT to the embedded hub, by a device that it has let in: topics of others, broken twins, endless packets."""

from collections.abc import Iterator

import pytest
from tests.hostile.bodies import NOT_AN_OBJECT, NOT_JSON, nested, nested_objects, unclosed
from tests.hostile.site import Site
from tests.sockets.devices import VERSION, Device
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.signing import hub_device_token

from homeport.protocols.mqtt import hub_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.hub_topics import Subscription
from homeport.protocols.mqtt.packets import (
    SUBSCRIPTION_REFUSED,
    Connack,
    Connect,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
)

PATCH = hub_topics.twin_patch_topic("r")

ENDS_THE_CONNECTION: dict[str, bytes] = {
    "a neighbour's events": encode(Publish(topic="devices/neighbour/messages/events/")),
    "events of nobody": encode(Publish(topic="devices//messages/events/")),
    "a neighbour's commands": encode(Publish(topic="devices/neighbour/messages/devicebound/")),
    "events behind a wildcard": encode(Publish(topic="devices/+/messages/events/")),
    "desired properties": encode(Publish(topic="$iothub/twin/PATCH/properties/desired/?$version=1")),
    "a twin's response": encode(Publish(topic="$iothub/twin/res/200/?$rid=1")),
    "a twin without a request ID": encode(Publish(topic="$iothub/twin/GET/?")),
    "a twin with an ID of 60,000 letters": encode(Publish(topic=hub_topics.twin_get_topic("x" * 60_000))),
    "the provisioning service": encode(Publish(topic="$dps/registrations/PUT/iotdps-register/?$rid=1")),
    "a broker's topic": encode(Publish(topic="factory/line/1")),
    "QoS 2": encode(Publish(topic=PATCH, payload=b"{}", qos=2, packet_id=1)),
    "a second CONNECT": encode(Connect(client_id="device")),
    "a PUBLISH of 257 KiB": encode(Publish(topic=PATCH, payload=b" " * 257 * 1024)),
    "a packet of 256 MB announced": b"\x30\xff\xff\xff\x7f",
}

FOREIGN_FILTERS = (
    "#",
    "+/+/messages/devicebound/#",
    "devices/neighbour/messages/devicebound/#",
    "devices/+/messages/devicebound/#",
    "devices/neighbour/messages/events/#",
    "$iothub/#",
    "$dps/registrations/res/#",
)

BAD_PATCHES: dict[str, bytes] = {
    **NOT_JSON,
    **NOT_AN_OBJECT,
    "nothing": b"",
    "200,000 brackets": unclosed(200_000),
    "100,000 brackets, closed": f'{{"a": {nested(100_000)}}}'.encode(),
    "900 objects": nested_objects(900).encode(),
    "300 arrays": f'{{"a": {nested(300)}}}'.encode(),
    "a whole number beyond 2^52": b'{"a": 12345678901234567890123456789}',
    "a number beyond any double": b'{"a": 1e999}',
    "a key with a dollar sign": b'{"$a": 1}',
    "an empty key": b'{"": 1}',
    "a key of 5,000 letters": b'{"%s": 1}' % (b"k" * 5000),
    "a text of 5,000 letters": b'{"a": "%s"}' % (b"v" * 5000),
    "100 KB of numbers": b'{"a": [%s1]}' % (b"1," * 50_000),
}


class Connected(MqttPeer):
    """A device on its hub, subscribed to the answers about its twin."""

    def __init__(self, site: Site, device: Device) -> None:
        super().__init__(site.deployment)
        host, device_id = site.deployment.host, device.registration_id
        password = site.witness(hub_device_token(host, device_id, device.key)).encode()
        self.say(
            Connect(client_id=device_id, user_name=hub_topics.user_name(host, device_id, VERSION), password=password)
        )
        assert self.hear() == Connack(ReturnCode.ACCEPTED)
        self.say(Subscribe(1, ((Subscription.TWIN_RESPONSES.value, 1),)))
        assert self.hear() == Suback(1, (1,))


@pytest.fixture
def device(site: Site) -> Device:
    device = site.device()
    device.register_over_https()
    return device


@pytest.fixture
def connected(site: Site, device: Device) -> Iterator[Connected]:
    with Connected(site, device) as peer:
        yield peer


@pytest.mark.parametrize("data", ENDS_THE_CONNECTION.values(), ids=ENDS_THE_CONNECTION)
def test_ends_the_connection(connected: Connected, data: bytes) -> None:
    connected.say(data)
    assert connected.hear() is None


@pytest.mark.parametrize("topic_filter", FOREIGN_FILTERS, ids=range(len(FOREIGN_FILTERS)))
def test_a_foreign_filter_is_not_granted(connected: Connected, topic_filter: str) -> None:
    connected.say(Subscribe(7, ((topic_filter, 1),)))
    assert connected.hear() == Suback(7, (SUBSCRIPTION_REFUSED,))


@pytest.mark.parametrize("body", BAD_PATCHES.values(), ids=BAD_PATCHES)
def test_bad_reported_properties_are_answered(site: Site, connected: Connected, body: bytes) -> None:
    connected.say(Publish(topic=PATCH, payload=body, qos=1, packet_id=7))
    assert connected.hear() == Puback(7)
    response = connected.hear()
    assert isinstance(response, Publish)
    assert response.topic == hub_topics.twin_response_topic(400, "r")
    site.check_error_body(response.payload, 400007)


def test_telemetry_may_be_anything(connected: Connected, device: Device) -> None:
    topic = hub_topics.events_topic(device.registration_id)
    for packet_id, payload in enumerate((b"", bytes(1000), b"\xff" * 1000, unclosed(100_000)), start=1):
        connected.say(Publish(topic=topic + "%ff=%00&=&a&$.x=", payload=payload, qos=1, packet_id=packet_id))
        assert connected.hear() == Puback(packet_id)


def test_a_neighbours_hub_key_opens_nothing(site: Site, device: Device) -> None:
    neighbour = site.device()
    neighbour.register_over_https()
    host, device_id = site.deployment.host, device.registration_id
    password = site.witness(hub_device_token(host, device_id, neighbour.key)).encode()
    with MqttPeer(site.deployment) as peer:
        user_name = hub_topics.user_name(host, device_id, VERSION)
        peer.say(Connect(client_id=device_id, user_name=user_name, password=password))
        assert peer.hear() == Connack(ReturnCode.NOT_AUTHORIZED)
        assert peer.hear() is None
