"""Hostile WebSockets on port 443: input -> HTTP error, close code, or the connection's end; and a device beside it."""

from collections.abc import Iterator

import pytest
from tests.hostile.site import Site
from tests.sockets.devices import Device
from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import read_answer, request
from tests.sockets.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RefusedUpgrade,
    WebSocketPeer,
    closing,
    frame,
    header,
    nonce,
    upgrade,
)

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connack, Pingreq, Publish, ReturnCode, Suback, Subscribe

KIB = 1024

# Target, subprotocol and headers of a handshake; status and code of its refusal.
REFUSED: dict[str, tuple[str, str, dict[str, str], tuple[int, int]]] = {
    "no subprotocol": ("/mqtt", "", {}, (400, 400009)),
    "a foreign subprotocol": ("/mqtt", "chat", {}, (400, 400009)),
    "a thousand subprotocols": ("/mqtt", ",".join(f"mqtt{number}" for number in range(1000)), {}, (400, 400009)),
    "a subprotocol with a header in it": ("/mqtt", "mqtt\tX-Header: 1", {}, (400, 400009)),
    "a foreign path": ("/$iothub/other", "mqtt", {}, (404, 404000)),
    "another's path below": ("/$iothub/websocket/../../registrations/x", "mqtt", {}, (404, 404000)),
    "no version": ("/mqtt", "mqtt", {"sec_websocket_version": ""}, (426, 426001)),
    "a draft's version": ("/mqtt", "mqtt", {"sec_websocket_version": "8"}, (426, 426001)),
    "no key": ("/mqtt", "mqtt", {"sec_websocket_key": ""}, (400, 400004)),
    "a short key": ("/mqtt", "mqtt", {"sec_websocket_key": nonce(15)}, (400, 400004)),
    "a key of 12,000 characters": ("/mqtt", "mqtt", {"sec_websocket_key": nonce(9000)}, (400, 400004)),
    "a body": ("/mqtt", "mqtt", {"content_length": "1000000"}, (400, 400004)),
    "a chunked body": ("/mqtt", "mqtt", {"transfer_encoding": "chunked"}, (400, 400004)),
    "a header of 20,000 characters": ("/mqtt", "mqtt", {"sec_websocket_extensions": "x" * 20_000}, (431, 431001)),
}

# Sent by a device that is connected; the close code that it gets.
VIOLATIONS: dict[str, tuple[bytes, int]] = {
    "an unmasked frame": (frame(BINARY, b"x", mask=False), 1002),
    "an unmasked frame of no bytes": (b"\x82\x00", 1002),
    "a server's text": (b"\x81\x05hello", 1002),
    "reserved bits": (frame(BINARY, b"x", reserved=7), 1002),
    "a compressed message": (frame(BINARY, b"\xcaH\xcd\xc9\xc9\x07\x00", reserved=4), 1002),
    "a reserved opcode": (frame(0x7, b"x"), 1002),
    "a reserved control opcode": (frame(0xF, b"x"), 1002),
    "a fragment of nothing": (frame(CONTINUATION, b"x", fin=False), 1002),
    "a message inside a message": (frame(BINARY, b"", fin=False) * 2, 1002),
    "a ping in fragments": (frame(PING, b"x", fin=False), 1002),
    "a ping of 64 KiB": (frame(PING, bytes(64 * KIB)), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with code 0": (closing(0), 1002),
    "a close with code 1006": (closing(1006), 1002),
    "a close whose reason is no text": (closing(1000, b"\xc3\x28"), 1007),
    "text": (frame(TEXT, encode(Pingreq())), 1003),
    "text in fragments": (frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"x"), 1003),
    "2^63 bytes announced": (header(BINARY, 1 << 63), 1009),
    "2^64 - 1 bytes announced": (header(BINARY, (1 << 64) - 1), 1009),
    "258 KiB announced": (header(BINARY, 258 * KIB), 1009),
    "a fragment behind a ping": (frame(PING, b"x") + header(CONTINUATION, 0), 1002),
    "MQTT without frames": (encode(Publish(topic="x" * 200)), 1002),
    "HTTP": (request("GET", "/readyz", [("Host", "localhost")]), 1002),
    "ones": (b"\xff" * 1000, 1002),
}


class ConnectedSocket(WebSocketPeer):
    """A device whose CONNECT has been answered, over a WebSocket."""

    def __init__(self, device: Device) -> None:
        super().__init__(device.deployment)
        self.send(frame(BINARY, encode(device.connect_packet())))
        assert self.hear() == (BINARY, encode(Connack(ReturnCode.ACCEPTED)))


@pytest.fixture
def connected(site: Site) -> Iterator[ConnectedSocket]:
    with ConnectedSocket(site.device()) as peer:
        yield peer


@pytest.mark.parametrize("name", REFUSED)
def test_a_handshake_is_refused(site: Site, name: str) -> None:
    target, subprotocol, headers, (status, code) = REFUSED[name]
    with pytest.raises(RefusedUpgrade) as refused:
        WebSocketPeer(site.deployment, target, subprotocol, **headers)
    site.check_refusal(refused.value.answer, status, code)


def test_two_handshakes_are_no_frames(site: Site) -> None:
    with WebSocketPeer(site.deployment) as peer:
        peer.send(upgrade(site.deployment.host))
        assert peer.hear_end() == [1002]


def test_a_handshake_behind_a_request_waits_for_no_answer(site: Site) -> None:
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(request("GET", "/nowhere", [("Host", site.deployment.host)]) + upgrade(site.deployment.host))
        assert [read_answer(peer).status for _ in range(2)] == [404, 404]


@pytest.mark.parametrize("cut", [20, 100, -1], ids=["in its line", "in a header", "before its last byte"])
def test_a_handshake_that_is_cut_off(site: Site, cut: int) -> None:
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(upgrade(site.deployment.host)[:cut])
        peer.finish()
        assert peer.receive() == b""


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_closes_once_with_its_code(connected: ConnectedSocket, name: str) -> None:
    data, code = VIOLATIONS[name]
    connected.send(data)
    heard = connected.hear()
    while heard is not None and heard[0] == PONG:
        heard = connected.hear()
    assert heard is not None
    assert (heard[0], int.from_bytes(heard[1][:2])) == (CLOSE, code)
    assert connected.hear() is None


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_in_the_place_of_connect_ends_the_connection(site: Site, name: str) -> None:
    data, _ = VIOLATIONS[name]
    with WebSocketPeer(site.deployment) as peer:
        peer.send(data)
        assert len(peer.hear_end()) == 1


def test_a_packet_that_breaks_mqtt_closes_the_socket_in_order(connected: ConnectedSocket) -> None:
    connected.send(frame(BINARY, b"\x00\x00"))
    assert connected.hear_end() == [1000]


def test_a_message_that_never_ends_is_too_big(connected: ConnectedSocket) -> None:
    pings = encode(Pingreq()) * 512
    connected.send(frame(BINARY, pings, fin=False))
    for _ in range(258):
        connected.send(frame(CONTINUATION, pings, fin=False))
    assert connected.hear_end() == [1009]


def test_a_stranger_may_not_fill_the_memory(site: Site) -> None:
    with WebSocketPeer(site.deployment) as peer:
        peer.send(header(BINARY, 256 * KIB) + bytes(200 * KIB))
        assert peer.hear_end() == [1009]


def test_a_flood_of_pings_is_answered_and_no_more(connected: ConnectedSocket) -> None:
    for _ in range(20):
        connected.send(frame(PING, b"flood") * 500)
        assert [connected.hear() for _ in range(500)] == [(PONG, b"flood")] * 500
    connected.send(frame(BINARY, encode(Pingreq())))
    assert connected.hear() == (BINARY, b"\xd0\x00")


def test_a_flood_of_empty_fragments_says_nothing(connected: ConnectedSocket) -> None:
    connected.send(frame(BINARY, b"", fin=False))
    for _ in range(20):
        connected.send(frame(CONTINUATION, b"", fin=False) * 1000)
    connected.send(frame(CONTINUATION, encode(Pingreq())))
    assert connected.hear() == (BINARY, b"\xd0\x00")


def test_a_packet_in_frames_of_one_byte(site: Site) -> None:
    device = site.device()
    with WebSocketPeer(site.deployment, "/", "MQTT") as peer:
        packet = encode(device.connect_packet())
        peer.send(b"".join(frame(BINARY, packet[place : place + 1]) for place in range(len(packet))))
        assert peer.hear() == (BINARY, encode(Connack(ReturnCode.ACCEPTED)))


@pytest.mark.parametrize("data", [frame(BINARY, b"\x10\xff\x3f" + bytes(5000))[:-1], b"\x82", b"", closing(1000)[:-1]])
def test_leaving_in_the_middle(site: Site, data: bytes) -> None:
    for _ in range(20):
        with WebSocketPeer(site.deployment) as peer:
            peer.send(data)


def test_a_page_in_a_browser_is_no_device(site: Site) -> None:
    """It may connect, as Python's client also names an origin; without a token it is told what everybody is told."""
    device = site.device()
    with WebSocketPeer(site.deployment, "/", "mqtt", origin="https://elsewhere.example", cookie="session=1") as peer:
        stranger = Device(device.deployment, device.registration_id, "d3Jvbmc=").connect_packet()
        peer.send(frame(BINARY, encode(stranger)))
        assert peer.hear() == (BINARY, encode(Connack(ReturnCode.ACCEPTED)))
        peer.send(frame(BINARY, encode(Subscribe(1, ((dps_topics.RESPONSE_FILTER, 0),)))))
        assert peer.hear() == (BINARY, encode(Suback(1, (0,))))
        peer.send(frame(BINARY, encode(Publish(topic=dps_topics.register_topic("r")))))
        heard = peer.hear()
        assert heard is not None
        assert b"$dps/registrations/res/401/" in heard[1]
