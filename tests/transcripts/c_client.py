"""The C client (azure-iot-sdk-c, `provisioning_client/`): what it sends, and how it reads.

Marks: percent-encoding in lower case, keep-alive 0, QoS 0, the same JSON again at each poll, subprotocol `MQTT`,
link addresses with scheme and host. Paths in the comments are below azure-iot-sdk-c; uamqp is azure-uamqp-c.
"""

import json
from collections.abc import Mapping

from tests.sockets.raw_amqp import (
    APPLICATION_PROPERTIES,
    ATTACH,
    BEGIN,
    DATA,
    INIT,
    OPEN,
    SOURCE,
    TARGET,
    Described,
    Int,
    Symbol,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
)
from tests.sockets.raw_http import Answer
from tests.transcripts.client import (
    AmqpReply,
    AmqpTranscript,
    Client,
    HttpTranscript,
    MqttTranscript,
    Publication,
    Told,
    WebSocketTranscript,
)
from tests.transcripts.device import TokenSpelling

_BODY = '{"registrationId":"<id>"}'
_ADDRESS = "amqps://<host>/<scope>/registrations/<id>"
_LONGEST_RETRY = 300


def c_reads_json(body: bytes) -> Told:
    """prov_device_ll_client.c, prov_transport_process_json_reply: `status` decides what else must be there."""
    answer = json.loads(body)
    if answer["status"] == "assigning":
        return Told(status="assigning", operation_id=answer["operationId"])
    assert answer["status"] == "assigned", answer
    state = answer["registrationState"]
    return Told(status="assigned", assigned_hub=state["assignedHub"], device_id=state["deviceId"])


def c_reads_http(answer: Answer) -> None:
    """prov_transport_http_client.c, on_http_reply_recv: 200 to 226; prov_transport.h: Retry-After in seconds only."""
    assert 200 <= answer.status <= 226
    assert answer.headers["content-length"] == str(len(answer.body))
    assert 1 <= int(answer.headers.get("retry-after", "1")) <= _LONGEST_RETRY


def c_reads_topic(topic: str) -> None:
    """prov_transport_mqtt_common.c, mqtt_notification_callback: a number behind the prefix, `retry-after` anywhere."""
    prefix = "$dps/registrations/res/"
    assert topic.startswith(prefix)
    assert int(topic.removeprefix(prefix).partition("/")[0]) < 429
    _, found, seconds = topic.partition("retry-after=")
    assert not found or 1 <= int(seconds) <= _LONGEST_RETRY


def c_reads_upgrade(head: str) -> None:
    """uws_client.c, on_underlying_io_bytes_received: the status of the first line, and nothing else."""
    assert head.startswith("HTTP/1.1 101 ")


def c_reads_links(links: Mapping[str, Described]) -> None:
    """uamqp session.c and link.c fail where one of these fields is null, though the standard lets it be."""
    begin, receiver, sender, flow = links["begin"], links["receiver"], links["sender"], links["flow"]
    assert begin.field(1) is not None
    assert begin.field(2) is not None
    for attach in (receiver, sender):
        assert isinstance(attach.field(5), Described), "a source"
        assert isinstance(attach.field(6), Described), "a target"
    assert receiver.field(9) is not None, "initial-delivery-count"
    assert None not in (flow.field(1), flow.field(2), flow.field(5), flow.field(6))


def c_reads_reply(reply: AmqpReply) -> None:
    """prov_transport_amqp_common.c, on_message_recv_callback: a data section; `retry-after` an int or a string.

    Older versions of uamqp's session.c (070db5c) look a transfer's link up by their own handle: both ends must use one.
    """
    assert reply.transfer.field(0) == 0
    assert reply.transfer.field(1) is not None, "delivery-id"
    assert isinstance(reply.sections[DATA], bytes)
    properties = reply.application_properties
    assert ("retry-after" in properties) == (json.loads(reply.sections[DATA])["status"] == "assigning")
    seconds = properties.get("retry-after", "1")
    assert isinstance(seconds, Int | str)
    assert 1 <= int(seconds) <= _LONGEST_RETRY


def _attach(name: str, handle: int, *, receives: bool) -> Described:
    """uamqp link.c, send_attach: source and target always have an address, the nearer one a made-up one."""
    source, target = (_ADDRESS, "local_endpoint") if receives else ("remote_endpoint", _ADDRESS)
    largest = Ulong(65_536) if receives else Ulong(2**64 - 1)
    termini = [Described(SOURCE, [source]), Described(TARGET, [target])]
    first = [None] if receives else [Uint(0)]
    properties = {Symbol("com.microsoft:api-version"): "2021-06-01"}
    modes = [receives, Ubyte(0), Ubyte(0)]
    return Described(
        ATTACH, [name, Uint(handle), *modes, *termini, None, None, *first, largest, None, None, properties]
    )


def _message(**properties: str) -> list[Described]:
    named = {f"iotdps-{name.replace('_', '-')}": value for name, value in properties.items()}
    return [Described(APPLICATION_PROPERTIES, named), Described(DATA, _BODY.encode())]


_HTTP_HEADERS = """\
UserAgent: prov_device_client/1.0
Accept: application/json
Connection: keep-alive
Content-Type: application/json; charset=utf-8
Authorization: <token>
Host: <host>:443"""

_UPGRADE = """
GET /$iothub/websocket HTTP/1.1
Host: <host>:443
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Protocol: {protocol}
Sec-WebSocket-Version: 13

"""

C = Client(
    name="C",
    # prov_auth_client.c; azure-c-shared-utility urlencode.c and sastoken.c.
    token=TokenSpelling(
        resource="<scope>%2fregistrations%2f<id-lower>",
        form="SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=registration",
        lifetime=2400,
        lower_case_escapes=True,
    ),
    reads_json=c_reads_json,
    http=HttpTranscript(
        register=f"""
PUT /<scope>/registrations/<id-lower>/register?api-version=2021-06-01 HTTP/1.1
{_HTTP_HEADERS}
content-length: <length>

{_BODY}""",
        poll=f"""
GET /<scope>/registrations/<id-lower>/operations/<operation>?api-version=2021-06-01 HTTP/1.1
{_HTTP_HEADERS}
content-length: 0

""",
        reads=c_reads_http,
    ),
    mqtt=MqttTranscript(
        user_name="<scope>/registrations/<id>/api-version=2021-06-01&ClientVersion=1.15.0",
        clean_session=True,
        keep_alive=0,
        qos=0,
        register=Publication(topic="$dps/registrations/PUT/iotdps-register/?$rid=<rid>", body=_BODY),
        poll=Publication(
            topic="$dps/registrations/GET/iotdps-get-operationstatus/?$rid=<rid>&operationId=<operation>", body=_BODY
        ),
        # The number of the packet before, since the topic is written first.
        request_ids=lambda asked: asked + 1,
        reads_topic=c_reads_topic,
    ),
    amqp=AmqpTranscript(
        sasl_init=Described(INIT, [Symbol("PLAIN"), b"\0<scope>/registrations/<id>\0<token>"]),
        open=Described(OPEN, ["prov_connection", "<host>", Uint(2**32 - 1), Ushort(65_535)]),
        begin=Described(BEGIN, [None, Uint(0), Uint(2**31 - 1), Uint(65_536), Uint(2**32 - 1)]),
        receiver=_attach("recv_link", 0, receives=True),
        sender=_attach("sender_link", 1, receives=False),
        credit=10_000,
        # uamqp link.c, link_transfer_async: the delivery count as it lies in memory.
        delivery_tag=lambda number: number.to_bytes(4, "little"),
        register=_message(operation_type="iotdps-register"),
        poll=_message(operation_type="iotdps-get-operationstatus", operation_id="<operation>"),
        reads_links=c_reads_links,
        reads_reply=c_reads_reply,
    ),
    # prov_transport_mqtt_ws_client.c and prov_transport_amqp_ws_client.c; the request is uws_client.c's.
    mqtt_websocket=WebSocketTranscript(request=_UPGRADE.format(protocol="MQTT"), reads=c_reads_upgrade),
    amqp_websocket=WebSocketTranscript(request=_UPGRADE.format(protocol="AMQPWSB10"), reads=c_reads_upgrade),
)
