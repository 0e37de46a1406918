"""Hostile MQTT to the provisioning service: input -> CONNACK code, response status, or the connection's end."""

from collections.abc import Iterator

import pytest
from tests.hostile.bodies import NOT_AN_OBJECT, NOT_JSON, nested, unclosed
from tests.hostile.site import Site
from tests.sockets.devices import VERSION, Device
from tests.sockets.raw_mqtt import MqttPeer

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import (
    SUBSCRIPTION_REFUSED,
    Connack,
    Connect,
    Pingreq,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)

REGISTER = dps_topics.register_topic("r")
INVALID_API_VERSION = (400, 400005)
INVALID_IDENTIFIER = (400, 400006)
INVALID_BODY = (400, 400007)
ATTESTATION_FAILED = (401, 401002)
OPERATION_NOT_FOUND = (404, 404203)


def connect(flags: int, payload: bytes, *, name: bytes = b"MQTT", level: int = 4, first: int = 0x10) -> bytes:
    """A CONNECT of these parts, with a keep-alive of 60 seconds."""
    body = len(name).to_bytes(2) + name + bytes((level, flags)) + b"\x00\x3c" + payload
    return packet(first, body)


def packet(first: int, body: bytes) -> bytes:
    """A packet with a first byte and a body; its length takes two bytes, however short it is."""
    return bytes((first, len(body) & 0x7F | 0x80, len(body) >> 7)) + body


def text(value: str | bytes) -> bytes:
    """A length and a text."""
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2) + data


# Sent as the first bytes of a connection, and each followed by the client's end.
NO_CONNECT: dict[str, bytes] = {
    "nothing": b"",
    "a first byte only": b"\x10",
    "a length that is cut off": b"\x10\x80",
    "a length of five bytes": b"\x10\xff\xff\xff\xff\x01",
    "a packet of 256 MB announced": b"\x10\xff\xff\xff\x7f",
    "a packet of 9,000 bytes announced": packet(0x10, b"")[:1] + b"\xa8\x46",
    "a CONNECT of 9,000 bytes": connect(0x02, text("x" * 9000)),
    "a CONNECT that is cut off": connect(0xC2, text("device") + text("user"))[:-3],
    "a CONNECT that ends in a field": connect(0xC2, text("device") + b"\x00\xff"),
    "a CONNECT without a body": packet(0x10, b""),
    "a CONNECT with bytes behind it": connect(0x02, text("device") + b"more"),
    "reserved flags of the header": connect(0x02, text("device"), first=0x11),
    "the reserved flag of CONNECT": connect(0x03, text("device")),
    "a will of QoS 3": connect(0x1E, text("device") + text("topic") + text("will")),
    "will QoS without a will": connect(0x0A, text("device")),
    "will retain without a will": connect(0x22, text("device")),
    "a password without a user name": connect(0x42, text("device") + text("password")),
    "another protocol's name": connect(0x02, text("device"), name=b"HTTP"),
    "a client ID that is not UTF-8": connect(0x02, text(b"\xff\xfe")),
    "a client ID with a null character": connect(0x02, text("a\0b")),
    "a user name with half a surrogate pair": connect(0x82, text("device") + text(b"\xed\xa0\x80")),
    "PUBLISH": encode(Publish(topic=REGISTER)),
    "SUBSCRIBE": encode(Subscribe(1, (("#", 1),))),
    "PINGREQ": encode(Pingreq()),
    "CONNACK": b"\x20\x02\x00\x00",
    "DISCONNECT": b"\xe0\x00",
    "packet type 0": b"\x00\x00",
    "packet type 15": b"\xf0\x00",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "AMQP": b"AMQP\x00\x01\x00\x00",
    "zeros": bytes(10_000),
    "ones": b"\xff" * 10_000,
}

# Sent by a device that is connected and subscribed.
ENDS_THE_CONNECTION: dict[str, bytes] = {
    "a second CONNECT": encode(Connect(client_id="device")),
    "reserved flags of SUBSCRIBE": packet(0x80, b"\x00\x01" + text("#") + b"\x01"),
    "reserved flags of UNSUBSCRIBE": packet(0xA0, b"\x00\x01" + text("#")),
    "reserved flags of PUBACK": b"\x41\x02\x00\x01",
    "reserved flags of PINGREQ": b"\xc1\x00",
    "reserved flags of DISCONNECT": b"\xe1\x00",
    "PINGREQ with a body": b"\xc0\x01x",
    "PUBACK of packet 0": b"\x40\x02\x00\x00",
    "PUBACK that is cut off": b"\x40\x01\x00",
    "PUBREC": b"\x50\x02\x00\x01",
    "PUBREL": b"\x62\x02\x00\x01",
    "PUBCOMP": b"\x70\x02\x00\x01",
    "SUBACK": b"\x90\x03\x00\x01\x01",
    "UNSUBACK": b"\xb0\x02\x00\x01",
    "PINGRESP": b"\xd0\x00",
    "CONNACK": b"\x20\x02\x00\x00",
    "AUTH of MQTT 5": b"\xf0\x00",
    "packet type 0": b"\x00\x00",
    "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "a packet of 256 MB announced": b"\x30\xff\xff\xff\x7f",
    "a PUBLISH of 129 KiB": encode(Publish(topic=REGISTER, payload=b" " * 129 * 1024)),
    "a PUBLISH of QoS 2": encode(Publish(topic=REGISTER, qos=2, packet_id=1)),
    "a PUBLISH of QoS 3": encode(Publish(topic=REGISTER, qos=3, packet_id=1)),
    "a PUBLISH of packet 0": encode(Publish(topic=REGISTER, qos=1, packet_id=0)),
    "a duplicate of QoS 0": packet(0x38, text(REGISTER)),
    "a PUBLISH without a topic": encode(Publish(topic="")),
    "a PUBLISH whose topic is cut off": packet(0x30, b"\x00\xff$dps"),
    "a PUBLISH whose topic is not UTF-8": packet(0x30, text(b"$dps/\xff")),
    "a PUBLISH with a null character": encode(Publish(topic=REGISTER + "\0")),
    "a PUBLISH to a plus": encode(Publish(topic="$dps/registrations/+/iotdps-register/?$rid=1")),
    "a PUBLISH to a hash": encode(Publish(topic="$dps/registrations/#")),
    "a PUBLISH to the responses": encode(Publish(topic="$dps/registrations/res/202/?$rid=1")),
    "a PUBLISH to a hub": encode(Publish(topic="devices/neighbour/messages/events/")),
    "a PUBLISH to a broker": encode(Publish(topic="factory/line/1")),
    "a PUBLISH to the broker itself": encode(Publish(topic="$SYS/broker/clients")),
    "a request without an ID": encode(Publish(topic="$dps/registrations/PUT/iotdps-register/?")),
    "a request with an empty ID": encode(Publish(topic="$dps/registrations/PUT/iotdps-register/?$rid=")),
    "a request with an ID of 60,000 letters": encode(Publish(topic=dps_topics.register_topic("x" * 60_000))),
    "SUBSCRIBE without a filter": packet(0x82, b"\x00\x01"),
    "SUBSCRIBE of packet 0": packet(0x82, b"\x00\x00" + text("#") + b"\x01"),
    "SUBSCRIBE of QoS 3": packet(0x82, b"\x00\x01" + text("#") + b"\x03"),
    "SUBSCRIBE with an empty filter": packet(0x82, b"\x00\x01" + text("") + b"\x01"),
    "SUBSCRIBE that is cut off": packet(0x82, b"\x00\x01" + text("#")),
    "UNSUBSCRIBE without a filter": packet(0xA2, b"\x00\x01"),
    "200 requests in one piece": encode(Publish(topic=dps_topics.register_topic("1"))) * 200,
}

FOREIGN_FILTERS = (
    "#",
    "+/registrations/res/#",
    "$dps/#",
    "$dps/registrations/res/+",
    "$dps/registrations/res/200/#",
    "$dps/registrations/PUT/#",
    "$iothub/twin/res/#",
    "devices/neighbour/messages/devicebound/#",
    "$SYS/#",
    "$share/group/$dps/registrations/res/#",
    "x" * 10_000,
)

DPS_NAME = "{scope}/registrations/{id}/api-version=" + VERSION
HUB_NAME = "{host}/{id}/?api-version=" + VERSION

# User name, client ID, password and CONNACK's code.
REFUSED_CONNECTS: dict[str, tuple[str | None, str, bytes | None, ReturnCode]] = {
    "another's client ID": (DPS_NAME, "neighbour", b"x", ReturnCode.IDENTIFIER_REJECTED),
    "no client ID": (DPS_NAME, "", b"x", ReturnCode.IDENTIFIER_REJECTED),
    "no password": (DPS_NAME, "{id}", None, ReturnCode.NOT_AUTHORIZED),
    "an empty password": (DPS_NAME, "{id}", b"", ReturnCode.NOT_AUTHORIZED),
    "no user name": (None, "{id}", None, ReturnCode.BAD_USER_NAME_OR_PASSWORD),
    "an empty user name": ("", "{id}", b"x", ReturnCode.BAD_USER_NAME_OR_PASSWORD),
    "a user name of one word": ("admin", "{id}", b"admin", ReturnCode.BAD_USER_NAME_OR_PASSWORD),
    "a user name of slashes": ("////", "{id}", b"x", ReturnCode.BAD_USER_NAME_OR_PASSWORD),
    "a module": ("{host}/{id}/module/?api-version=" + VERSION, "{id}/module", b"x", ReturnCode.IDENTIFIER_REJECTED),
    "a hub's device by another ID": (HUB_NAME, "neighbour", b"x", ReturnCode.IDENTIFIER_REJECTED),
    "a hub's device without a password": (HUB_NAME, "{id}", None, ReturnCode.NOT_AUTHORIZED),
    "a hub that is not here": ("elsewhere/{id}/?api-version=" + VERSION, "{id}", b"x", ReturnCode.NOT_AUTHORIZED),
}  # fmt: skip

# The registration ID, and what stands behind it in the user name.
REFUSED_QUESTIONS: dict[str, tuple[str, str, tuple[int, int]]] = {
    "no api-version": ("{id}", "", INVALID_API_VERSION),
    "an empty api-version": ("{id}", "/api-version=", INVALID_API_VERSION),
    "an api-version of a word": ("{id}", "/api-version=latest", INVALID_API_VERSION),
    "an api-version of other digits": ("{id}", "/api-version=٢٠٢١-06-01", INVALID_API_VERSION),
    "an ID of 129 characters": ("a" * 129, f"/api-version={VERSION}", INVALID_IDENTIFIER),
    "an ID of other letters": ("ä", f"/api-version={VERSION}", INVALID_IDENTIFIER),
    "an ID that ends with a full stop": ("device.", f"/api-version={VERSION}", INVALID_IDENTIFIER),
    "an ID with a space": ("a b", f"/api-version={VERSION}", INVALID_IDENTIFIER),
    "an encoded ID": ("a%2Fb", f"/api-version={VERSION}", INVALID_IDENTIFIER),
    "a neighbour's ID": ("neighbour", f"/api-version={VERSION}", ATTESTATION_FAILED),
}

BAD_REGISTRATIONS: dict[str, bytes] = {
    **NOT_JSON,
    **NOT_AN_OBJECT,
    "registrationId of a number": b'{"registrationId": 1}',
    "registrationId of a neighbour": b'{"registrationId": "neighbour"}',
    "100,000 brackets": unclosed(100_000),
    "a deep payload": f'{{"payload": {nested(50_000)}}}'.encode(),
}

BAD_OPERATIONS = ("", "5.unknown", "a%00b", "%C3%A4", "5" * 5000, "../x", "a/b")


class Connected(MqttPeer):
    """A device that is connected and subscribed to its responses."""

    def __init__(self, device: Device) -> None:
        super().__init__(device.deployment)
        self.say(device.connect_packet(), Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
        assert self.hear() == Connack(ReturnCode.ACCEPTED)
        assert self.hear() == Suback(1, (1,))


@pytest.fixture
def device(site: Site) -> Device:
    return site.device()


@pytest.fixture
def connected(device: Device) -> Iterator[Connected]:
    with Connected(device) as peer:
        yield peer


@pytest.mark.parametrize("data", NO_CONNECT.values(), ids=NO_CONNECT)
def test_what_is_no_connect_is_not_answered(site: Site, data: bytes) -> None:
    with MqttPeer(site.deployment) as peer:
        peer.say(data)
        peer.finish()
        assert peer.hear() is None


@pytest.mark.parametrize(("name", "level"), [(b"MQTT", 5), (b"MQTT", 3), (b"MQTT", 0), (b"MQTT", 0x84), (b"MQIsdp", 3)])
def test_another_version_of_mqtt_is_told_so(site: Site, name: bytes, level: int) -> None:
    with MqttPeer(site.deployment) as peer:
        peer.say(connect(0x02, text("device"), name=name, level=level))
        assert peer.hear() == Connack(ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
        assert peer.hear() is None


@pytest.mark.parametrize("name", REFUSED_CONNECTS)
def test_connack_refuses(site: Site, device: Device, name: str) -> None:
    user_name, client_id, password, code = REFUSED_CONNECTS[name]
    parts = {"scope": site.deployment.id_scope, "host": site.deployment.host, "id": device.registration_id}
    spelled = None if user_name is None else user_name.format(**parts)
    with MqttPeer(site.deployment) as peer:
        peer.say(Connect(client_id=client_id.format(**parts), user_name=spelled, password=password))
        assert peer.hear() == Connack(code)
        assert peer.hear() is None


@pytest.mark.parametrize("name", REFUSED_QUESTIONS)
def test_a_connect_that_cannot_be_attested_is_refused_at_its_first_question(
    site: Site, device: Device, name: str
) -> None:
    registration_id, version, (status, code) = REFUSED_QUESTIONS[name]
    registration_id = registration_id.format(id=device.registration_id)
    user_name = f"{site.deployment.id_scope}/registrations/{registration_id}{version}"
    with MqttPeer(site.deployment) as peer:
        password = site.witness(device.token).encode()
        peer.say(Connect(client_id=registration_id, user_name=user_name, password=password))
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)
        peer.say(Subscribe(1, ((dps_topics.RESPONSE_FILTER, 0),)), Publish(topic=REGISTER))
        assert peer.hear() == Suback(1, (0,))
        _check_response(site, peer, status, code)


def test_a_will_is_taken_and_never_published(site: Site, device: Device) -> None:
    user_name = dps_topics.user_name(site.deployment.id_scope, device.registration_id, VERSION)
    credentials = text(device.registration_id) + text("factory/#") + text(b"\xff" * 1000)
    credentials += text(user_name) + text(site.witness(device.token))
    with MqttPeer(site.deployment) as peer:
        peer.say(connect(0xEE, credentials))
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)


@pytest.mark.parametrize("data", ENDS_THE_CONNECTION.values(), ids=ENDS_THE_CONNECTION)
def test_ends_the_connection(connected: Connected, data: bytes) -> None:
    connected.say(data)
    assert connected.hear() is None


@pytest.mark.parametrize("topic_filter", FOREIGN_FILTERS, ids=range(len(FOREIGN_FILTERS)))
def test_a_foreign_filter_is_not_granted(connected: Connected, topic_filter: str) -> None:
    connected.say(Subscribe(7, ((topic_filter, 1), (dps_topics.RESPONSE_FILTER, 2))))
    assert connected.hear() == Suback(7, (SUBSCRIPTION_REFUSED, 1))
    connected.say(Unsubscribe(8, (topic_filter,)))
    assert connected.hear() == Unsuback(8)


def test_a_thousand_filters_are_answered_one_by_one(connected: Connected) -> None:
    connected.say(Subscribe(7, tuple((f"foreign/{number}", 1) for number in range(1000))))
    assert connected.hear() == Suback(7, (SUBSCRIPTION_REFUSED,) * 1000)


@pytest.mark.parametrize("body", BAD_REGISTRATIONS.values(), ids=BAD_REGISTRATIONS)
def test_a_bad_registration_is_answered(site: Site, connected: Connected, body: bytes) -> None:
    connected.say(Publish(topic=REGISTER, payload=body, qos=1, packet_id=7))
    assert connected.hear() == Puback(7)
    _check_response(site, connected, *INVALID_BODY)


@pytest.mark.parametrize("operation", BAD_OPERATIONS, ids=range(len(BAD_OPERATIONS)))
def test_a_bad_operation_id_is_answered(site: Site, connected: Connected, operation: str) -> None:
    connected.say(Publish(topic=dps_topics.status_topic("r", operation), qos=1, packet_id=7))
    assert connected.hear() == Puback(7)
    _check_response(site, connected, *OPERATION_NOT_FOUND)


def test_a_neighbours_operation_cannot_be_asked_for(site: Site, connected: Connected) -> None:
    operation = site.device().register_over_mqtt().operation_id
    connected.say(Publish(topic=dps_topics.status_topic("r", str(operation))))
    _check_response(site, connected, *OPERATION_NOT_FOUND)


def test_a_question_without_a_subscription_ends_the_connection(site: Site, device: Device) -> None:
    with MqttPeer(site.deployment) as peer:
        peer.say(device.connect_packet())
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)
        peer.say(Publish(topic=dps_topics.status_topic("r", "5.unknown"), qos=1, packet_id=7))
        assert peer.hear() == Puback(7)
        assert peer.hear() is None


def test_packets_behind_the_end_are_not_served(connected: Connected) -> None:
    connected.say(Publish(topic="foreign"), Pingreq(), Publish(topic=REGISTER))
    assert connected.hear() is None


def test_a_packet_may_come_byte_by_byte(device: Device) -> None:
    with MqttPeer(device.deployment) as peer:
        for byte in encode(device.connect_packet()):
            peer.say(bytes((byte,)))
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)


def _check_response(site: Site, peer: MqttPeer, status: int, code: int) -> None:
    response = peer.hear()
    assert isinstance(response, Publish)
    assert response.topic == dps_topics.response_topic(status, "r")
    site.check_error_body(response.payload, code)
