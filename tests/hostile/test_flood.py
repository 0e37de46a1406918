"""Two thousand hostile connections of every kind: the server's memory stays what it was."""

from collections.abc import Callable
from contextlib import suppress

from tests.hostile import amqp_attempts
from tests.hostile.attempts import DeviceAttempt, OwnerAttempt
from tests.hostile.bodies import DEEP, LARGE, nested, unclosed
from tests.hostile.site import Site
from tests.sockets.peer import AMQP, HTTPS, MQTT, Peer, connect
from tests.sockets.raw_http import exchange, request
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.raw_websocket import BINARY, RefusedUpgrade, WebSocketPeer, frame, header
from tests.sockets.signing import hub_device_token

from homeport.protocols.mqtt import dps_topics, hub_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connect, Publish, Subscribe

WARM_UP = 300
FLOOD = 2_000
MAX_GROWTH = 32 * 1024 * 1024

Attack = Callable[[Site], object]


def no_tls(site: Site) -> None:
    """Plain bytes to all ports."""
    for port in (HTTPS, MQTT, AMQP):
        with connect(site.deployment, port) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")


def silent(site: Site) -> None:
    """A handshake, and nothing more."""
    Peer(site.deployment, HTTPS).close()


def half_a_connect(site: Site) -> None:
    """A CONNECT whose end never comes."""
    with MqttPeer(site.deployment) as peer:
        peer.say(b"\x10\xff\x3f" + bytes(5000))


def wrong_password(site: Site) -> None:
    """Accepted, and refused at its question."""
    device = site.device()
    user_name = dps_topics.user_name(site.deployment.id_scope, device.registration_id, "2021-06-01")
    with MqttPeer(site.deployment) as peer:
        peer.say(
            Connect(client_id=device.registration_id, user_name=user_name, password=b"wrong"),
            Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)),
            Publish(topic=dps_topics.register_topic("r")),
        )
        peer.hear_publish()


def large_packet(site: Site) -> None:
    """As large as a register packet may be, and not JSON."""
    with MqttPeer(site.deployment) as peer:
        peer.say(site.device().connect_packet(), Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
        # Before CONNACK less may wait.
        peer.hear()
        peer.say(Publish(topic=dps_topics.register_topic("r"), payload=unclosed(120_000)))
        peer.hear_publish()


def large_body(site: Site) -> None:
    """1 MiB to the service API."""
    exchange(site.deployment, OwnerAttempt(site, "none").send("PUT", "/enrollments/a", b" " * LARGE))


def deep_body(site: Site) -> None:
    """100,000 brackets to the service API, by somebody who may."""
    attempt = OwnerAttempt(site, site.service_token())
    exchange(site.deployment, attempt.send("PUT", "/enrollments/a", nested(DEEP).encode()))


def deep_registration(site: Site) -> None:
    """As large a body as the device API takes, all of it brackets."""
    exchange(site.deployment, DeviceAttempt(site, site.device()).register(unclosed(90_000)))


def deep_patch(site: Site) -> None:
    """Reported properties of 200,000 brackets."""
    device = site.device()
    device.register_over_https()
    host, device_id = site.deployment.host, device.registration_id
    password = site.witness(hub_device_token(host, device_id, device.key)).encode()
    user_name = hub_topics.user_name(host, device_id, "2021-04-12")
    with MqttPeer(site.deployment) as peer:
        peer.say(Connect(client_id=device_id, user_name=user_name, password=password))
        peer.hear()
        peer.say(Publish(topic=hub_topics.twin_patch_topic("r"), payload=unclosed(200_000), qos=1, packet_id=1))
        peer.hear()


def wrong_token(site: Site) -> None:
    """A device nobody knows, with a query that was never sent before."""
    attempt = DeviceAttempt(site, site.device())
    target = attempt.target(query=f"api-version=2021-10-01&x={attempt.device.registration_id}")
    headers = [("Host", site.deployment.host), ("Authorization", "SharedAccessSignature sr=a&sig=b&se=1")]
    exchange(site.deployment, request("PUT", target, headers, b"{}"))


def many_headers(site: Site) -> None:
    """More of them than are read."""
    exchange(site.deployment, request("GET", "/", [(f"X-{number}", "x" * 20) for number in range(2000)]))


def half_a_frame(site: Site) -> None:
    """A device's frame of 256 KiB, the end of which never comes."""
    with WebSocketPeer(site.deployment) as peer:
        peer.send(frame(BINARY, encode(site.device().connect_packet())))
        peer.hear()
        peer.send(header(BINARY, 256 * 1024) + bytes(255 * 1024))


def no_subprotocol(site: Site) -> None:
    """A WebSocket for nobody."""
    with suppress(RefusedUpgrade):
        WebSocketPeer(site.deployment, subprotocol="chat")


ATTACKS: tuple[Attack, ...] = (
    no_tls,
    silent,
    half_a_connect,
    wrong_password,
    large_packet,
    large_body,
    deep_body,
    deep_registration,
    deep_patch,
    wrong_token,
    many_headers,
    half_a_frame,
    no_subprotocol,
    *amqp_attempts.ATTACKS,
)


def flood(site: Site, connections: int) -> None:
    """So many connections, of all kinds in turn."""
    for number in range(connections):
        ATTACKS[number % len(ATTACKS)](site)


def test_memory_stays_flat(site: Site) -> None:
    flood(site, WARM_UP)
    before = site.server.resident_bytes()
    flood(site, FLOOD)
    growth = site.server.resident_bytes() - before
    assert growth < MAX_GROWTH, f"{growth / 1024 / 1024:.1f} MiB more than after the warm-up"
