"""Below HTTP and MQTT: garbage where TLS is expected, slow handshakes, the other port's protocol, silence."""

import contextlib
import os
import socket
import ssl

import pytest
from tests.hostile.site import Site
from tests.sockets.peer import HTTPS, MQTT, Peer, connect
from tests.sockets.raw_http import exchange, request
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import Deployment

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connect

ports = pytest.mark.parametrize("port", [HTTPS, MQTT])
SILENT_CONNECTIONS = 100
ALERT, ALERT_SIZE = 0x15, 7

NOT_TLS: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\x16",
    "plain HTTP": b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "plain MQTT": encode(Connect(client_id="device")),
    "plain AMQP": b"AMQP\x00\x01\x00\x00",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": bytes(20_000),
    "ones": b"\xff" * 20_000,
    "the hello of SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),
    "a record longer than any": b"\x16\x03\x01\xff\xff" + bytes(20_000),
    "a handshake of 16 MB announced": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16_380),
    "an alert": b"\x15\x03\x03\x00\x02\x02\x00",
    "application data": b"\x17\x03\x03\x00\x10" + bytes(16),
    "an empty record": b"\x16\x03\x01\x00\x00" * 1000,
}


def client_hello(deployment: Deployment) -> tuple[ssl.SSLObject, ssl.MemoryBIO, bytes]:
    """A client whose hello has not been sent: the client, where to write what the server says, the hello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = deployment.tls.wrap_bio(incoming, outgoing, server_hostname=deployment.host)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return client, incoming, outgoing.read()


def check_refused(deployment: Deployment, port: int, data: bytes) -> None:
    """The server closes, after an alert (RFC 8446, section 6) or without one."""
    with connect(deployment, port) as plain:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
        said = read_to_the_end(plain)
    assert said == b"" or (said[0] == ALERT and len(said) == ALERT_SIZE), said


def read_to_the_end(plain: socket.socket) -> bytes:
    """What the server says until it closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while data := plain.recv(65_536):
            said += data
    return said


@ports
@pytest.mark.parametrize("data", NOT_TLS.values(), ids=NOT_TLS)
def test_what_is_no_tls_gets_an_alert_at_most(site: Site, port: int, data: bytes) -> None:
    check_refused(site.deployment, port, data)


@ports
def test_random_bytes_are_no_tls(site: Site, port: int) -> None:
    for _ in range(20):
        check_refused(site.deployment, port, os.urandom(500))


@ports
def test_a_hello_may_come_byte_by_byte(site: Site, port: int) -> None:
    client, incoming, hello = client_hello(site.deployment)
    with connect(site.deployment, port) as plain:
        for byte in hello:
            plain.sendall(bytes((byte,)))
        while True:
            incoming.write(plain.recv(65_536))
            try:
                client.do_handshake()
            except ssl.SSLWantReadError:
                continue
            break
    assert client.version() == "TLSv1.3"


@ports
def test_a_hello_that_is_cut_off_or_followed_by_garbage(site: Site, port: int) -> None:
    _, _, hello = client_hello(site.deployment)
    for data in (hello[:5], hello[: len(hello) // 2], hello[:-1], hello + os.urandom(2000), hello + hello):
        with connect(site.deployment, port) as plain, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
            read_to_the_end(plain)


@ports
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_version_of_tls_is_refused(site: Site, port: int, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(site.deployment.ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = version
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = version
    with connect(site.deployment, port) as plain, pytest.raises(ssl.SSLError, match="version"):
        context.wrap_socket(plain, server_hostname=site.deployment.host)


def test_mqtt_on_the_https_port_is_no_http(site: Site) -> None:
    device = site.device()
    packet = encode(Connect(client_id=device.registration_id, user_name="x" * 600))
    site.check_refusal(exchange(site.deployment, packet), 400, 400004)


def test_http_on_the_mqtt_port_is_no_mqtt(site: Site) -> None:
    with MqttPeer(site.deployment) as peer:
        # "GE" announces a packet of 69 bytes: with fewer it would wait for them, as for any CONNECT.
        peer.say(request("GET", "/readyz", [("Host", site.deployment.host), ("Accept", "application/json" * 5)]))
        assert peer.hear() is None


def test_those_who_say_nothing_hold_nobody_up(site: Site) -> None:
    """Connections without a hello, without a CONNECT, without a request, or in the middle of one."""
    _, _, hello = client_hello(site.deployment)
    with contextlib.ExitStack() as silent:
        for _ in range(SILENT_CONNECTIONS):
            for port in (HTTPS, MQTT):
                silent.enter_context(connect(site.deployment, port))
                silent.enter_context(connect(site.deployment, port)).sendall(hello[:100])
                silent.enter_context(Peer(site.deployment, port))
            silent.enter_context(Peer(site.deployment, HTTPS)).send(b"PUT /scope/registrations/")
            silent.enter_context(Peer(site.deployment, MQTT)).send(b"\x10\x7f\x00\x04MQTT")
        site.check_health()
        assert site.device().register_over_mqtt().assignment is not None


def test_a_client_that_reads_nothing_is_let_go(site: Site) -> None:
    """More questions than answers fit into the buffers on the way; the server reads no more, and waits for nobody."""
    one = request("GET", "/s/registrations/d/operations/o", [("Host", "h")])
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(one * 2000)
        site.check_health()
