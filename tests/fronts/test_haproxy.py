"""Behind a real HAProxy every device has its own address again, on every port; and nobody else can claim one."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fronts.haproxy import haproxy
from tests.loopback import Network, address
from tests.sockets.peer import AMQP, HTTPS, MQTT
from tests.sockets.raw_http import request
from tests.sockets.server_process import Deployment, ServerProcess

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connect

SERVER, FRONT, SOURCE = map(address, (Network.BEHIND_A_FRONT, Network.FRONT, Network.FRONT_TO_SERVER))
DEVICE, NEIGHBOUR = "127.0.60.1", "127.0.60.2"
ALLOWED = 8
CONNECT = encode(Connect(client_id="nobody", keep_alive=60, user_name="nobody", password=b""))
SASL = b"AMQP\x03\x01\x00\x00"
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A server that believes HAProxy, and lets each address ask a little."""
    monkeypatch.setenv("HOMEPORT_SERVER_TRUSTED_PROXIES", SOURCE)
    monkeypatch.setenv("HOMEPORT_LIMITS_REQUESTS_PER_MINUTE_PER_ADDRESS", str(ALLOWED))
    server = ServerProcess(tmp_path, SERVER)
    try:
        yield server.start()
        server.stop()
    finally:
        server.end()


def connect(deployment: Deployment, address: str, port: int, *, source: str, first: bytes = b"") -> ssl.SSLSocket:
    """TLS from that address to HAProxy's or the server's; `first` are bytes in front of it."""
    plain = socket.create_connection((address, port), timeout=60, source_address=(source, 0))
    plain.sendall(first)
    return deployment.tls.wrap_socket(plain, server_hostname=deployment.host)


def status(deployment: Deployment, source: str) -> int:
    """What a stranger at that address is told through HAProxy."""
    target = f"/{deployment.id_scope}/registrations/nobody?api-version=2021-06-01"
    with connect(deployment, FRONT, HTTPS, source=source) as peer:
        peer.sendall(request("POST", target, [("Host", deployment.host)], b"{}"))
        return int(peer.recv(4096).split()[1])


@pytest.mark.parametrize("header", ["send-proxy", "send-proxy-v2"])
def test_each_device_behind_it_pays_for_itself(deployment: Deployment, tmp_path: Path, header: str) -> None:
    with haproxy(tmp_path, front=FRONT, source=SOURCE, server=SERVER, header=header):
        told = [status(deployment, DEVICE) for _ in range(2 * ALLOWED)]
        assert set(told) == {401, 429}
        assert status(deployment, NEIGHBOUR) == 401


@pytest.mark.parametrize(("port", "hello"), [(MQTT, CONNECT), (AMQP, SASL)])
def test_the_other_ports_believe_it_too(deployment: Deployment, tmp_path: Path, port: int, hello: bytes) -> None:
    with (
        haproxy(tmp_path, front=FRONT, source=SOURCE, server=SERVER, header="send-proxy-v2"),
        connect(deployment, FRONT, port, source=DEVICE) as peer,
    ):
        peer.sendall(hello)
        assert peer.recv(4096)[:1] == (b"\x20" if port == MQTT else b"A")


def test_it_must_name_its_peers(deployment: Deployment) -> None:
    with pytest.raises(OSError):
        connect(deployment, SERVER, HTTPS, source=SOURCE)
    with connect(deployment, SERVER, HTTPS, source=SOURCE, first=HEADER) as peer:
        assert peer.version() == "TLSv1.3"


def test_nobody_else_can_claim_an_address(deployment: Deployment) -> None:
    with pytest.raises(OSError):
        connect(deployment, SERVER, HTTPS, source=DEVICE, first=HEADER)
    with connect(deployment, SERVER, HTTPS, source=DEVICE) as peer:
        assert peer.version() == "TLSv1.3"
