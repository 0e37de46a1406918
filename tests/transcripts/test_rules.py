"""The clients' rules do refuse: each of these answers would have stopped that client."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.sockets.raw_amqp import ATTACH, BEGIN, FLOW, SOURCE, TARGET, TRANSFER, Described, Ubyte, Uint, Ushort
from tests.sockets.raw_http import Answer
from tests.transcripts.c_client import c_reads_http, c_reads_json, c_reads_links, c_reads_reply, c_reads_topic
from tests.transcripts.client import AmqpReply
from tests.transcripts.csharp_client import (
    csharp_reads_http,
    csharp_reads_json,
    csharp_reads_reply,
    csharp_reads_topic,
    csharp_reads_upgrade,
)
from tests.transcripts.embedded_c_client import embedded_c_reads_json, embedded_c_reads_topic
from tests.transcripts.java_client import java_reads_json, java_reads_mqtt_upgrade, java_reads_reply, java_reads_topic

_RES = "$dps/registrations/res"


@pytest.mark.parametrize(
    ("reads", "topic"),
    [
        (c_reads_topic, f"{_RES}/429/?$rid=1"),
        (c_reads_topic, f"{_RES}/202/?$rid=1&retry-after=301"),
        (csharp_reads_topic, f"{_RES}/202/?retry-after=3&$rid=1"),
        (csharp_reads_topic, f"{_RES}/202/?$rid=1&retry-after=60"),
        (csharp_reads_topic, f"{_RES}/401/?$rid=1"),
        (java_reads_topic, f"{_RES}/202/?$rid=1;retry-after=3"),
        (java_reads_topic, f"{_RES}/202/?$rid=1&retry-after=soon"),
        (embedded_c_reads_topic, f"/{_RES}/202/?$rid=1"),
    ],
)
def test_a_topic_is_refused(reads: Callable[[str], None], topic: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        reads(topic)


@pytest.mark.parametrize(
    ("reads", "body"),
    [
        (c_reads_json, b'{"operationId": "5", "status": "unassigned"}'),
        (c_reads_json, b'{"status": "assigned", "registrationState": {"assignedHub": "hub"}}'),
        (csharp_reads_json, b'{"operationId": "5", "status": "failed"}'),
        (java_reads_json, b'{"status": "assigning"}'),
        (java_reads_json, b'{"operationId": "5", "status": "assigning", "registrationState": {}}'),
        (embedded_c_reads_json, b'{"operationId": "5", "status": "assigning", "registrationState": null}'),
        (
            embedded_c_reads_json,
            b'{"operationId": "5", "status": "assigned", "registrationState": {"assignedHub": "hub"}}',
        ),
    ],
)
def test_a_body_is_refused(reads: Callable[[bytes], Any], body: bytes) -> None:
    with pytest.raises((AssertionError, KeyError)):
        reads(body)


@pytest.mark.parametrize("reads", [c_reads_http, csharp_reads_http])
def test_a_date_in_retry_after_is_refused(reads: Callable[[Answer], None]) -> None:
    headers = {"content-length": "0", "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}
    with pytest.raises((AssertionError, ValueError)):
        reads(Answer(202, headers, b""))


@pytest.mark.parametrize(
    ("reads", "properties", "handle"),
    [
        (c_reads_reply, {"retry-after": Uint(3)}, 0),
        (c_reads_reply, {"Retry-After": "3"}, 0),
        (c_reads_reply, {"retry-after": "3"}, 1),
        (csharp_reads_reply, {"retry-after": "3"}, 0),
        (java_reads_reply, {"retry-after": "soon"}, 0),
    ],
)
def test_a_reply_is_refused(reads: Callable[[AmqpReply], None], properties: Mapping[str, Any], handle: int) -> None:
    body = b'{"operationId": "5", "status": "assigning"}'
    transfer = Described(TRANSFER, [Uint(handle), Uint(0), b"", Uint(0), True, False])
    reply = AmqpReply(disposition=transfer, transfer=transfer, sections={0x74: properties, 0x75: body})
    with pytest.raises((AssertionError, ValueError)):
        reads(reply)


def test_a_flow_without_a_delivery_count_is_refused_by_c() -> None:
    begin = Described(BEGIN, [Ushort(0), Uint(0), Uint(1), Uint(1)])
    termini = [Described(SOURCE, []), Described(TARGET, [])]
    attach = Described(ATTACH, ["link", Uint(0), False, Ubyte(0), Ubyte(0), *termini, None, None, Uint(0)])
    links = {"begin": begin, "receiver": attach, "sender": attach}
    session = [Uint(0), Uint(1), Uint(0), Uint(1), Uint(1)]
    c_reads_links(links | {"flow": Described(FLOW, [*session, Uint(0), Uint(1)])})
    with pytest.raises(AssertionError):
        c_reads_links(links | {"flow": Described(FLOW, [*session, None, Uint(1)])})


@pytest.mark.parametrize("reads", [csharp_reads_upgrade, java_reads_mqtt_upgrade])
def test_an_upgrade_without_its_subprotocol_is_refused(reads: Callable[[str], None]) -> None:
    lines = ("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    with pytest.raises(KeyError):
        reads("\r\n".join(("HTTP/1.1 101 Switching Protocols", *lines)))
