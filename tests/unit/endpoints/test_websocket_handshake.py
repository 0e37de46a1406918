"""Requests that want to become a WebSocket, and what they are answered."""

import pytest
from tests.sockets.raw_websocket import ACCEPT, KEY, nonce

from homeport import errors
from homeport.endpoints.websocket_handshake import (
    Handshake,
    is_device_target,
    read_handshake,
    switching_protocols,
)
from homeport.errors import ErrorRow, HomeportError

OFFERED = ("amqpwsb10", "mqtt")


def headers(subprotocol: str = "mqtt", *more: tuple[str, str], **replaced: str) -> list[tuple[bytes, bytes]]:
    """A good handshake's, but for those that are replaced; an empty value leaves one out."""
    fields = {
        "host": "localhost",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
        "sec-websocket-protocol": subprotocol,
    }
    fields |= {name.replace("_", "-"): value for name, value in replaced.items()}
    return [(name.encode(), value.encode("latin-1")) for name, value in [*fields.items(), *more] if value]


@pytest.mark.parametrize(
    ("target", "is_one"),
    [
        pytest.param(b"/$iothub/websocket", True, id="Python, Node, C"),
        pytest.param(b"https://host/$iothub/websocket?iothub-no-client-cert=true", True, id="Java over AMQP"),
        pytest.param(b"HTTP://host:443/mqtt", True, id="a URI with a port"),
        pytest.param(b"https://host", True, id="a URI without a path"),
        pytest.param(b"https://host/enrollments", False, id="an API's URI"),
        pytest.param(b"/https://host/mqtt", False, id="a URI that is a path"),
        pytest.param(b"/$iothub/websocket?x=y", True, id="a query"),
        pytest.param(b"/%24iothub/websocket", True, id="encoded"),
        pytest.param(b"/", True, id="C#"),
        pytest.param(b"/?x=1", True, id="root with a query"),
        pytest.param(b"/mqtt", True, id="Java over MQTT"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"*", False, id="the server"),
        pytest.param(b"/$iothub", False, id="a part"),
        pytest.param(b"/$iothub/websocket/more", False, id="below"),
        pytest.param(b"/enrollments?x=/mqtt", False, id="an API"),
        pytest.param(b"/\xff", False, id="no text"),
    ],
)
def test_is_device_target(target: bytes, is_one: bool) -> None:
    assert is_device_target(target) is is_one


@pytest.mark.parametrize("spelling", ["mqtt", "MQTT", "Mqtt", "AMQPWSB10", "amqpwsb10", "AmqpWsb10"])
def test_subprotocol_keeps_the_clients_spelling(spelling: str) -> None:
    assert read_handshake(headers(spelling), OFFERED) == Handshake(spelling, ACCEPT)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("mqttv3.1, mqtt", "mqtt"),
        ("MQTT,mqtt", "MQTT"),
        ("AMQPWSB10 , mqtt", "AMQPWSB10"),
        (", ,\tmqtt", "mqtt"),
    ],
)
def test_first_subprotocol_that_is_known_is_taken(wanted: str, chosen: str) -> None:
    assert read_handshake(headers(wanted), OFFERED).subprotocol == chosen


def test_subprotocols_may_come_in_several_headers() -> None:
    several = headers("chat", ("sec-websocket-protocol", "MQTT"))
    assert read_handshake(several, OFFERED).subprotocol == "MQTT"


@pytest.mark.parametrize("wanted", ["", "chat", "mqtt2", "mqtt mqtt", "m\xb5qtt", "\u212a".encode().decode("latin-1")])
def test_other_subprotocol_is_told_which_there_are(wanted: str) -> None:
    error = refusal(headers(wanted))
    assert error.row is errors.NOT_OFFERED
    assert "amqpwsb10, mqtt" in error.message


@pytest.mark.parametrize("version", ["", "8", "0", "13.0", "12, 13", "thirteen"])
def test_other_version_is_told_which_there_is(version: str) -> None:
    error = refusal(headers(sec_websocket_version=version))
    assert error.row is errors.UPGRADE_REQUIRED
    assert error.info == {"upgrade": "websocket", "webSocketVersion": "13"}


@pytest.mark.parametrize(
    ("request_headers", "row"),
    [
        pytest.param(headers(sec_websocket_key=""), errors.INVALID_REQUEST, id="no key"),
        pytest.param(headers(sec_websocket_key=nonce(15)), errors.INVALID_REQUEST, id="short key"),
        pytest.param(headers(sec_websocket_key=nonce(17)), errors.INVALID_REQUEST, id="long key"),
        pytest.param(headers(sec_websocket_key="!" + KEY[1:]), errors.INVALID_REQUEST, id="no base64"),
        pytest.param(headers(sec_websocket_key=KEY[:-1]), errors.INVALID_REQUEST, id="no padding"),
        pytest.param(headers(sec_websocket_key="\xb5" + KEY), errors.INVALID_REQUEST, id="no ASCII"),
        pytest.param(headers("mqtt", ("sec-websocket-key", KEY)), errors.INVALID_REQUEST, id="two keys"),
        pytest.param(headers(content_length="1"), errors.INVALID_REQUEST, id="a body"),
        pytest.param(headers(transfer_encoding="chunked"), errors.INVALID_REQUEST, id="a chunked body"),
    ],
)
def test_what_is_no_handshake(request_headers: list[tuple[bytes, bytes]], row: ErrorRow) -> None:
    assert refusal(request_headers).row is row


def test_an_empty_body_is_none() -> None:
    assert read_handshake(headers(content_length="0"), OFFERED).accept == ACCEPT


def test_answer_promises_the_subprotocol_and_no_extension() -> None:
    assert switching_protocols(Handshake("MQTT", ACCEPT), date=b"Tue, 24 Nov 2026 06:00:00 GMT") == (
        b"HTTP/1.1 101 Switching Protocols\r\nDate: Tue, 24 Nov 2026 06:00:00 GMT\r\n"
        b"Upgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\nSec-WebSocket-Protocol: MQTT\r\n\r\n"
    )


def refusal(request_headers: list[tuple[bytes, bytes]]) -> HomeportError:
    with pytest.raises(HomeportError) as refused:
        read_handshake(request_headers, OFFERED)
    return refused.value
