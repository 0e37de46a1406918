"""The provisioning conversation over MQTT, from the device's side, on one connection.

Topics and packets come from homeport's sans-IO modules, as those of the tests' devices do.
"""

import json
from collections.abc import Callable
from typing import TypeVar

from failover.conversations import API_VERSION, Answer, CutOff, Service, Stream
from failover.layout import MQTT
from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connack, Connect, Packet, Puback, Publish, ReturnCode, Suback, Subscribe
from homeport.protocols.mqtt.reader import PacketReader

Kind = TypeVar("Kind", Connack, Suback, Publish)

_LARGEST = 65_536
_KEEP_ALIVE = 60


class MqttConversation:
    """Implements `conversations.Conversation`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reader = PacketReader(_LARGEST)
        self._questions = 0

    @classmethod
    async def open(cls, service: Service, registration_id: str, token: str) -> "MqttConversation":
        """Connect, and subscribe to the answers. Raises CutOff."""
        conversation = cls(await Stream.connect(service, MQTT))
        try:
            await conversation._begin(service, registration_id, token)
        except BaseException:
            conversation.close()
            raise
        return conversation

    async def register(self) -> Answer:
        return await self._question(dps_topics.register_topic)

    async def ask(self, operation_id: str) -> Answer:
        return await self._question(lambda number: dps_topics.status_topic(number, operation_id))

    def close(self) -> None:
        self._stream.close()

    async def _begin(self, service: Service, registration_id: str, token: str) -> None:
        name = dps_topics.user_name(service.id_scope, registration_id, API_VERSION)
        self._say(Connect(client_id=registration_id, user_name=name, password=token.encode(), keep_alive=_KEEP_ALIVE))
        code = (await self._hear(Connack)).return_code
        if code is not ReturnCode.ACCEPTED:
            raise CutOff(f"CONNACK {code:d}")
        self._say(Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
        await self._hear(Suback)

    async def _question(self, topic: Callable[[str], str]) -> Answer:
        self._questions += 1
        number = str(self._questions)
        self._say(Publish(topic=topic(number), payload=b" ", qos=1, packet_id=self._questions + 1))
        published = await self._hear(Publish)
        self._say(Puback(published.packet_id))
        said = dps_topics.parse_response(published.topic)
        return Answer(status=said.status, body=json.loads(published.payload), retry_after=said.retry_after)

    def _say(self, packet: Packet) -> None:
        self._stream.send(encode(packet))

    async def _hear(self, kind: type[Kind]) -> Kind:
        """The next packet of a kind; acknowledgements before it are passed over."""
        while True:
            while (packet := self._reader.next_packet()) is None:
                self._reader.feed(await self._stream.receive())
            if isinstance(packet, kind):
                return packet
