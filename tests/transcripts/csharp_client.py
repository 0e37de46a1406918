"""The C# client (azure-iot-sdk-csharp, `provisioning/`): what it sends, and how it reads.

Marks: an empty body over MQTT and AMQP, a WebSocket at `/`, `Retry-After` in capitals over AMQP, one correlation ID
for all. Paths in the comments are below azure-iot-sdk-csharp/provisioning; wsc is `System.Net.WebSockets.Client`.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime

from tests.sockets.raw_amqp import (
    AMQP_VALUE,
    APPLICATION_PROPERTIES,
    ATTACH,
    BEGIN,
    DATA,
    INIT,
    OPEN,
    PROPERTIES,
    SOURCE,
    TARGET,
    Described,
    Symbol,
    Ubyte,
    Uint,
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

_TOPIC = re.compile(r"^\$dps/registrations/res/(.*?)/\?\$rid=(.*?)$")
_RETRY_AFTER = re.compile(r"[?&]retry-after=(\d+)(&|$)", re.IGNORECASE)
_ADDRESS = "<scope>/registrations/<id>"
_CORRELATION_ID = "7b5c2f0e-52c5-4a6f-9c4c-0f1c8a3f2d11"
_USER_AGENT = "provisioning-device-client/1.19.3 (.NET 8.0.0; Linux)"
# In seconds: a connection that was still for so long is given up.
_READ_TIMEOUT = 60


def csharp_reads_json(body: bytes) -> Told:
    """transport/http/src/Generated/Models: RegistrationOperationStatus; a final one is dereferenced unseen.

    src/DeviceRegistrationResult.cs: dates are DateTime, errorCode an int, payload any JSON.
    """
    answer = json.loads(body)
    status = answer["status"]
    if status == "assigning":
        return Told(status=status, operation_id=answer["operationId"])
    state = answer["registrationState"]
    for date in ("createdDateTimeUtc", "lastUpdatedDateTimeUtc"):
        assert datetime.fromisoformat(state[date]).tzinfo is not None
    assert isinstance(state.get("errorCode", 0), int)
    return Told(status=status, assigned_hub=state["assignedHub"], device_id=state["deviceId"])


def csharp_reads_http(answer: Answer) -> None:
    """transport/http/src/Generated/RuntimeRegistration.cs: 200 or 202, else an exception; Retry-After as a delta."""
    assert answer.status in (200, 202)
    assert answer.headers.get("retry-after", "2").isdigit()


def csharp_reads_topic(topic: str) -> None:
    """transport/mqtt/src/ProvisioningChannelHandlerAdapter.cs, VerifyPublishPacketTopicAsync."""
    match = _TOPIC.match(topic)
    assert match is not None
    assert int(match[1]) < 400
    retry = _RETRY_AFTER.search(topic)
    assert retry is None or int(retry[1]) < _READ_TIMEOUT


def csharp_reads_upgrade(head: str) -> None:
    """wsc, WebSocketHandle.Managed.cs: each of these headers once, its value without regard to case but the proof."""
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert status.startswith("HTTP/1.1 101 ")
    assert headers["connection"].lower() == "upgrade"
    assert headers["upgrade"].lower() == "websocket"
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert headers["sec-websocket-protocol"] in ("mqtt", "AMQPWSB10")


def csharp_reads_links(links: Mapping[str, Described]) -> None:
    """Microsoft.Azure.Amqp, AmqpLink.OnReceiveAttach: an attach whose far terminus is null announces a detach."""
    assert links["receiver"].field(5) is not None
    assert links["receiver"].field(9) is not None, "initial-delivery-count, whose value is taken unseen"
    assert links["sender"].field(6) is not None


def csharp_reads_reply(reply: AmqpReply) -> None:
    """transport/amqp/src/ProvisioningErrorDetailsAmqp.cs, GetRetryAfterFromApplicationProperties: in capitals."""
    properties = reply.application_properties
    assert ("Retry-After" in properties) == (json.loads(reply.sections[DATA])["status"] == "assigning")
    assert str(properties.get("Retry-After", 2)).isdigit()


def _attach(name: str, handle: int, *, receives: bool) -> Described:
    """transport/amqp/src/AmqpClientSession.cs and AmqpClientLink.cs: the nearer terminus is there, and empty."""
    source, target = ([_ADDRESS], []) if receives else ([], [_ADDRESS])
    termini = [Described(SOURCE, source), Described(TARGET, target)]
    properties = {
        Symbol("com.microsoft:client-version"): _USER_AGENT,
        Symbol("com.microsoft:api-version"): "2019-03-31",
    }
    first = None if receives else Uint(0)
    # Microsoft.Azure.Amqp, AmqpLinkSettings.SettleType: SettleOnReceive says nothing, SettleOnDispose "second".
    modes = [receives, None, None if receives else Ubyte(1)]
    return Described(ATTACH, [name, Uint(handle), *modes, *termini, None, None, first, None, None, None, properties])


def _properties() -> Described:
    return Described(PROPERTIES, [None, None, None, None, None, _CORRELATION_ID])


_HTTP_HEADERS = f"""\
Host: <host>
User-Agent: {_USER_AGENT}
Authorization: <token>"""

_UPGRADE = """
GET / HTTP/1.1
Host: <host>
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Protocol: {protocol}

"""

CSHARP = Client(
    name="C#",
    # ../common/src/device/provisioning/transport/ProvisioningSasBuilder.cs
    token=TokenSpelling(
        resource="<scope>%2Fregistrations%2F<id-upper>",
        form="SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=registration",
        lifetime=86_400,
    ),
    reads_json=csharp_reads_json,
    http=HttpTranscript(
        # The generated serializer indents.
        register=f"""
PUT /<scope>/registrations/<id-upper>/register?api-version=2019-03-31 HTTP/1.1
{_HTTP_HEADERS}
Content-Type: application/json; charset=utf-8
Content-Length: <length>

{{
  "registrationId": "<id>"
}}""",
        poll=f"""
GET /<scope>/registrations/<id-upper>/operations/<operation>?api-version=2019-03-31 HTTP/1.1
{_HTTP_HEADERS}

""",
        reads=csharp_reads_http,
    ),
    mqtt=MqttTranscript(
        user_name="<scope>/registrations/<id>/api-version=2019-03-31&ClientVersion="
        "provisioning-device-client%2F1.19.3%20%28.NET%208.0.0%3B%20Linux%29",
        clean_session=True,
        keep_alive=0,
        qos=1,
        register=Publication(topic="$dps/registrations/PUT/iotdps-register/?$rid=<rid>", body=""),
        poll=Publication(
            topic="$dps/registrations/GET/iotdps-get-operationstatus/?$rid=<rid>&operationId=<operation>", body=""
        ),
        # The packet ID, of which SUBSCRIBE had the first.
        request_ids=lambda asked: asked + 2,
        reads_topic=csharp_reads_topic,
    ),
    amqp=AmqpTranscript(
        # transport/amqp/src/AmqpAuthStrategySymmetricKey.cs
        sasl_init=Described(INIT, [Symbol("PLAIN"), b"\0<scope>/registrations/<id>\0<token>"]),
        open=Described(OPEN, ["c2a43b0f-4de2-4a7e-9f33-5d7f6a1f6f0a", "<host>", Uint(65_536), Ushort(8191)]),
        begin=Described(BEGIN, [None, Uint(1), Uint(5000), Uint(5000), Uint(262_143)]),
        receiver=_attach("0f9a2f5d3c6b4d1e8a7b6c5d4e3f2a1b", 0, receives=True),
        sender=_attach("1f9a2f5d3c6b4d1e8a7b6c5d4e3f2a1c", 1, receives=False),
        credit=1000,
        delivery_tag=lambda number: bytes((number,)) * 16,
        # transport/amqp/src/ProvisioningTransportHandlerAmqp.cs, RegisterDeviceAsync and OperationStatusLookupAsync.
        register=[
            _properties(),
            Described(
                APPLICATION_PROPERTIES, {"iotdps-operation-type": "iotdps-register", "iotdps-forceRegistration": False}
            ),
            Described(DATA, b""),
        ],
        poll=[
            _properties(),
            Described(
                APPLICATION_PROPERTIES,
                {"iotdps-operation-type": "iotdps-get-operationstatus", "iotdps-operation-id": "<operation>"},
            ),
            Described(AMQP_VALUE, "iotdps-get-operationstatus"),
        ],
        reads_links=csharp_reads_links,
        reads_reply=csharp_reads_reply,
    ),
    # transport/mqtt/src/ProvisioningTransportHandlerMqtt.cs and transport/amqp/src/AmqpClientConnection.cs: no path.
    mqtt_websocket=WebSocketTranscript(request=_UPGRADE.format(protocol="mqtt"), reads=csharp_reads_upgrade),
    amqp_websocket=WebSocketTranscript(request=_UPGRADE.format(protocol="AMQPWSB10"), reads=csharp_reads_upgrade),
)
