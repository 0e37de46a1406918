"""The Java client (azure-iot-sdk-java, `provisioning/provisioning-device-client/`): what it sends, and how it reads.

Marks: a raw `sr`, an empty `skn`, sessions that want to be kept, a WebSocket at `/mqtt`, link addresses with a slash in
front, an absolute request target for AMQP over WebSocket, all of AMQP's opening in one piece. Paths in the comments are
below that folder's `…/provisioning/device/`; Proton is qpid-proton-j with Azure/qpid-proton-j-extensions.
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

_BODY = '{"registrationId":"<id>"}'
_ADDRESS = "/<scope>/registrations/<id>"
_CERTIFICATE_INFO = (
    *("issuerName", "subjectName", "sha1Thumbprint", "sha256Thumbprint"),
    *("notBeforeUtc", "notAfterUtc", "serialNumber", "version"),
)


def java_reads_json(body: bytes) -> Told:
    """internal/parser/RegistrationOperationStatusParser.java, createFromJson; payload is a JsonObject there."""
    answer = json.loads(body)
    told = Told(status=answer["status"], operation_id=answer["operationId"])
    state = answer.get("registrationState")
    if state is not None:
        assert state["registrationId"]
        assert state["status"]
        for info in ("certificateInfo", "signingCertificateInfo"):
            found = state.get("x509", {}).get(info)
            assert found is None or all(found.get(member) for member in _CERTIFICATE_INFO)
        assert isinstance(state.get("payload", {}), dict)
    if told.status != "assigned":
        return told
    return Told(status="assigned", assigned_hub=state["assignedHub"], device_id=state["deviceId"])


def java_reads_http(answer: Answer) -> None:
    """internal/exceptions/…ExceptionManager.java: 300 and less; Retry-After is an integer, else two seconds."""
    assert answer.status <= 300
    _java_reads_retry_after(answer.headers.get("retry-after"))


def java_reads_topic(topic: str) -> None:
    """internal/contract/mqtt/ContractAPIMqtt.java, processRetryAfterValue: a part of its own behind an `&`."""
    for part in topic.split("&"):
        if "retry-after" in part:
            assert part.startswith("retry-after=")
            _java_reads_retry_after(part.removeprefix("retry-after="))


def java_reads_mqtt_upgrade(head: str) -> None:
    """Paho, WebSocketHandshake.java: every line is split at its colons, and no value is trimmed but the proof.

    A `Connection` of exactly `upgrade` is refused (sic), so the space behind the colon must be there.
    """
    lines = [line.split(":") for line in head.split("\r\n")[1:]]
    headers = {parts[0].lower(): parts[1] for parts in lines}
    assert headers["connection"].lower() != "upgrade"
    assert "websocket" in headers["upgrade"].lower()
    assert headers["sec-websocket-protocol"]
    assert headers["sec-websocket-accept"].strip() == "JCuJwQ8jhNBa4PEtCqU5LhBbg4I="


def java_reads_amqp_upgrade(head: str) -> None:
    """Proton extensions, WebSocketUpgrade.java, validateUpgradeReply: five lines, looked for by their words."""
    lines = [line.lower() for line in head.split("\r\n")]
    for words in (
        ("http/1.1", "101", "switching protocols"),
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-protocol", "amqpwsb10"),
        ("sec-websocket-accept", "s3pplmbitxaq9kygzzhzrbk+xoo="),
    ):
        assert any(all(word in line for word in words) for line in lines), words


def java_reads_links(links: Mapping[str, Described]) -> None:
    """Proton, TransportImpl.handleAttach: the names are those that the client gave."""
    assert links["receiver"].field(0) == "provision_receiver_link"
    assert links["sender"].field(0) == "provision_sender_link"


def java_reads_reply(reply: AmqpReply) -> None:
    """internal/contract/amqp/ProvisioningAmqpOperations.java: a whole delivery; `retry-after` as its own text."""
    assert not reply.transfer.field(5), "more"
    seconds = reply.application_properties.get("retry-after")
    _java_reads_retry_after(None if seconds is None else str(seconds))


def _java_reads_retry_after(text: str | None) -> None:
    """internal/contract/ProvisioningDeviceClientContract.java: an integer, or an exception; 2 unless it is 2 to 5."""
    assert text is None or int(text) >= 1


def _attach(name: str, handle: int, *, receives: bool) -> Described:
    """transport/amqp/AmqpDeviceOperations.java, initLink; Proton leaves the nearer terminus null."""
    termini = [Described(SOURCE, [_ADDRESS]), None] if receives else [None, Described(TARGET, [_ADDRESS])]
    properties = {
        Symbol("com.microsoft:client-version"): "com.microsoft.azure.sdk.iot.dps.dps-device-client/2.1.3",
        Symbol("com.microsoft:api-version"): "2019-03-31",
    }
    first = None if receives else Uint(0)
    modes = [receives, Ubyte(2 if receives else 0), Ubyte(0)]
    return Described(ATTACH, [name, Uint(handle), *modes, *termini, None, None, first, None, None, None, properties])


_HTTP_HEADERS = """\
User-Agent: com.microsoft.azure.sdk.iot.dps.dps-device-client/2.1.3
Accept: application/json
Content-Type: application/json; charset=utf-8
authorization: <token>
Host: <host>
Connection: keep-alive"""

JAVA = Client(
    name="Java",
    # internal/task/RegisterTask.java, constructSasToken
    token=TokenSpelling(
        resource="<scope>/registrations/<id>",
        form="SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=",
        lifetime=3600,
    ),
    reads_json=java_reads_json,
    http=HttpTranscript(
        # internal/contract/UrlPathBuilder.java: nothing is encoded.
        register=f"""
PUT /<scope>/registrations/<id>/register?api-version=2019-03-31 HTTP/1.1
{_HTTP_HEADERS}
Content-Length: <length>

{_BODY}""",
        poll=f"""
GET /<scope>/registrations/<id>/operations/<operation>?api-version=2019-03-31 HTTP/1.1
{_HTTP_HEADERS}

""",
        reads=java_reads_http,
    ),
    mqtt=MqttTranscript(
        # internal/contract/mqtt/ContractAPIMqtt.java: its ClientVersion is the api-version again.
        user_name="<scope>/registrations/<id>/api-version=2019-03-31&ClientVersion=2019-03-31",
        clean_session=False,
        keep_alive=230,
        qos=0,
        register=Publication(topic="$dps/registrations/PUT/iotdps-register/?$rid=<rid>", body=_BODY),
        poll=Publication(
            topic="$dps/registrations/GET/iotdps-get-operationstatus/?$rid=<rid>&operationId=<operation>", body=""
        ),
        request_ids=lambda asked: asked + 1,
        reads_topic=java_reads_topic,
    ),
    amqp=AmqpTranscript(
        sasl_init=Described(INIT, [Symbol("PLAIN"), b"\0<scope>/registrations/<id>\0<token>"]),
        open=Described(OPEN, ["0d5f3f6e-container", "<host>:5671", None, Ushort(65_535)]),
        begin=Described(BEGIN, [None, Uint(1), Uint(2**31 - 1), Uint(2**31 - 1), Uint(65_535)]),
        receiver=_attach("provision_receiver_link", 0, receives=True),
        sender=_attach("provision_sender_link", 1, receives=False),
        credit=1024,
        register=[
            Described(APPLICATION_PROPERTIES, {"iotdps-operation-type": "iotdps-register"}),
            Described(DATA, _BODY.encode()),
        ],
        poll=[
            Described(
                APPLICATION_PROPERTIES,
                {"iotdps-operation-type": "iotdps-get-operationstatus", "iotdps-operation-id": "<operation>"},
            )
        ],
        # transport/amqp/AmqpsConnection.java, sendAmqpMessage and onConnectionInit; replies are read, and left at that.
        delivery_tag=lambda number: str(number).encode(),
        pipelined=True,
        settles=False,
        reads_links=java_reads_links,
        reads_reply=java_reads_reply,
    ),
    mqtt_websocket=WebSocketTranscript(
        # Paho, WebSocketHandshake.java: the key is "mqtt3-" and the time in seconds.
        request="""
GET /mqtt HTTP/1.1
Host: <host>
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: bXF0dDMtMTc2NDAwMDAwMA==
Sec-WebSocket-Protocol: mqtt
Sec-WebSocket-Version: 13

""",
        reads=java_reads_mqtt_upgrade,
    ),
    amqp_websocket=WebSocketTranscript(
        # Proton extensions, WebSocketUpgrade.java, createUpgradeRequest: the target is a whole URI.
        request="""
GET https://<host>/$iothub/websocket?iothub-no-client-cert=true HTTP/1.1
Connection: Upgrade,Keep-Alive
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Protocol: AMQPWSB10
Host: <host>

""",
        reads=java_reads_amqp_upgrade,
    ),
)
