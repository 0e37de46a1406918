"""Hostile AMQP inside of WebSockets: the same ends as over TLS, and then one close of the socket, in order."""

import pytest
from tests.hostile.amqp_attempts import OPENING, address, condition, plain
from tests.hostile.amqp_bytes import BREAKS_A_CONNECTION, BREAKS_SASL, NO_HEADER
from tests.hostile.site import Site
from tests.sockets.raw_amqp import AMQP_HEADER, CLOSE, OUTCOME, SASL_HEADER, Frames
from tests.sockets.raw_websocket import BINARY, WebSocketPeer, close_code, closing, frame
from tests.sockets.raw_websocket import CLOSE as CLOSE_FRAME

NORMAL = 1000


class AmqpSocket(WebSocketPeer):
    """A WebSocket for AMQP."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.deployment, subprotocol="AMQPWSB10")


@pytest.mark.parametrize("data", NO_HEADER.values(), ids=NO_HEADER)
def test_what_is_no_header_over_a_websocket(site: Site, data: bytes) -> None:
    with AmqpSocket(site) as peer:
        peer.send(frame(BINARY, data))
        assert peer.hear() == (BINARY, SASL_HEADER)
        assert peer.hear_end() == [NORMAL]


@pytest.mark.parametrize("data", BREAKS_SASL.values(), ids=BREAKS_SASL)
def test_what_breaks_sasl_over_a_websocket(site: Site, data: bytes) -> None:
    with AmqpSocket(site) as peer:
        peer.send(frame(BINARY, SASL_HEADER + data))
        assert peer.hear_end() == [NORMAL]


@pytest.mark.parametrize("name", BREAKS_A_CONNECTION)
def test_a_violation_over_a_websocket_closes_amqp_and_then_the_socket(site: Site, name: str) -> None:
    data, expected = BREAKS_A_CONNECTION[name]
    device = site.device()
    proof = plain(address(site, device), site.witness(device.token))
    with AmqpSocket(site) as peer:
        peer.send(frame(BINARY, SASL_HEADER + proof))
        frames = Frames()
        while not any(isinstance(said, tuple) and said[0].code == OUTCOME for said in frames):
            frames.feed(_binary(peer))
        peer.send(frame(BINARY, AMQP_HEADER + OPENING + data))
        assert _endings(peer, frames) == [expected, NORMAL]


def _endings(peer: AmqpSocket, frames: Frames) -> list[str | int | None]:
    """The conditions and codes of what closes: AMQP, then the socket."""
    endings: list[str | int | None] = []
    while (heard := peer.hear()) is not None:
        if heard[0] == CLOSE_FRAME:
            endings.append(close_code(heard[1]))
            peer.send(closing(NORMAL))
        else:
            frames.feed(heard[1])
            endings += [condition(said[0]) for said in frames if isinstance(said, tuple) and said[0].code == CLOSE]
    return endings


def _binary(peer: AmqpSocket) -> bytes:
    heard = peer.hear()
    assert heard is not None
    assert heard[0] == BINARY
    return heard[1]
