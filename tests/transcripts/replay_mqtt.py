"""Play a client's packets, one after the other and each only when the last one's answer has come.

The order is C#'s, the strictest: CONNACK, SUBACK, then for each question PUBACK before PUBLISH, and nothing else
between them (ProvisioningChannelHandlerAdapter.cs, ProcessMessageAsync). The others take that order, too.
"""

from tests.transcripts import mqtt_bytes
from tests.transcripts.client import Client, MqttTranscript, Publication, Told
from tests.transcripts.device import Device
from tests.transcripts.mqtt_bytes import CONNACK, PUBACK, PUBLISH, SUBACK, Packet
from tests.transcripts.replay_http import POLLS
from tests.transcripts.streams import Stream

_FILTER = "$dps/registrations/res/#"


def register_over_mqtt(client: Client, device: Device, stream: Stream) -> Told:
    """Connect, subscribe, register and poll; what the client was told last."""
    replay = _Replay(client, device, stream)
    replay.connect()
    replay.subscribe()
    told = replay.ask(client.mqtt.register)
    assert told.status == "assigning"
    for _ in range(POLLS):
        told = replay.ask(client.mqtt.poll, operation=told.operation_id or "")
        if told.status != "assigning":
            break
    return told


class _Replay:
    def __init__(self, client: Client, device: Device, stream: Stream) -> None:
        self._client = client
        self._script: MqttTranscript = client.mqtt
        self._device = device
        self._stream = stream
        self._data = bytearray()
        self._packet_id = 0
        self._asked = 0

    def connect(self) -> None:
        user_name = self._device.fill(self._script.user_name, self._client.token)
        password = None if self._device.key is None else self._device.fill("<token>", self._client.token)
        self._stream.send(
            mqtt_bytes.connect(
                self._device.registration_id,
                user_name,
                password,
                clean_session=self._script.clean_session,
                keep_alive=self._script.keep_alive,
            )
        )
        # Session present is 0 whatever CleanSession says: C# ends the connection otherwise (ProcessConnAckAsync).
        assert self._hear() == Packet(CONNACK, 0, b"\x00\x00")

    def subscribe(self) -> None:
        packet_id = self._next_packet_id()
        self._stream.send(mqtt_bytes.subscribe(packet_id, _FILTER))
        assert self._hear() == Packet(SUBACK, 0, packet_id.to_bytes(2) + b"\x01")

    def ask(self, question: Publication, **learnt: str) -> Told:
        packet_id, rid = self._next_packet_id(), str(self._script.request_ids(self._asked))
        self._asked += 1
        topic = self._device.fill(question.topic, self._client.token, rid=rid, **learnt)
        body = self._device.fill(question.body, self._client.token)
        self._stream.send(mqtt_bytes.publish(topic, body, qos=self._script.qos, packet_id=packet_id))
        if self._script.qos:
            assert self._hear() == Packet(PUBACK, 0, packet_id.to_bytes(2))
        return self._answer(rid)

    def _answer(self, rid: str) -> Told:
        packet = self._hear()
        assert packet.kind == PUBLISH, packet
        published = mqtt_bytes.read_publish(packet)
        assert published.qos == 1
        # All of them acknowledge before they read; C# would do so even for QoS 0, as packet 0.
        self._stream.send(mqtt_bytes.puback(published.packet_id))
        assert f"?$rid={rid}" in published.topic
        self._script.reads_topic(published.topic)
        return self._client.reads_json(published.payload)

    def _hear(self) -> Packet:
        while (packet := mqtt_bytes.next_packet(self._data)) is None:
            data = self._stream.receive()
            assert data, "the server closed the connection"
            self._data += data
        return packet

    def _next_packet_id(self) -> int:
        self._packet_id += 1
        return self._packet_id
