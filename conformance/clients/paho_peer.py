"""Drives plain `paho-mqtt`: a registration, then telemetry and the twin at the assigned hub."""

import json
import queue
import ssl
from types import TracebackType
from typing import Self

from paho.mqtt import client as mqtt

from conformance.clients.lines import serve
from conformance.clients.peer import (
    RESPONSES,
    MqttLogin,
    Reply,
    Request,
    assignment,
    register_topic,
    status_topic,
)

PORT = 8883
SECONDS = 20


class Connection:
    """A connection whose CONNECT has been accepted. What the callbacks are told goes through one queue."""

    def __init__(self, request: Request, login: MqttLogin) -> None:
        self._told: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._client = mqtt.Client(login.client_id)
        self._client.username_pw_set(login.user_name, login.password)
        context = ssl.create_default_context(cafile=request["caFile"])
        if "certificateFile" in request:
            context.load_cert_chain(request["certificateFile"], request["keyFile"])
        self._client.tls_set_context(context)
        self._client.on_connect = lambda _client, _data, _flags, code: self._told.put(mqtt.connack_string(code))
        self._client.on_subscribe = lambda _client, _data, _id, granted: self._told.put(list(granted))
        self._client.on_message = lambda _client, _data, message: self._told.put(message)
        self._client.connect(login.host, PORT)
        self._client.loop_start()
        self._expect("Connection Accepted.")

    def subscribe(self, topic_filter: str) -> None:
        self._client.subscribe(topic_filter, qos=1)
        self._expect([1])

    def publish(self, topic: str, body: str = "") -> None:
        """Publish, and wait for the acknowledgement."""
        published = self._client.publish(topic, body, qos=1)
        published.wait_for_publish(SECONDS)
        if not published.is_published():
            raise TimeoutError("no PUBACK")

    def ask(self, topic: str, body: str = "") -> mqtt.MQTTMessage:
        """Publish a request; the message that answers."""
        self.publish(topic, body)
        heard = self._told.get(timeout=SECONDS)
        if not isinstance(heard, mqtt.MQTTMessage):
            raise ConnectionError(f"instead of an answer: {heard}")
        return heard

    def _expect(self, wanted: object) -> None:
        told = self._told.get(timeout=SECONDS)
        if told != wanted:
            raise ConnectionError(str(told))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def register(request: Request) -> object:
    with Connection(request, MqttLogin.for_provisioning(request)) as connection:
        connection.subscribe(RESPONSES)

        def ask(topic: str, body: str = "") -> Reply:
            message = connection.ask(topic, body)
            return Reply.from_topic(message.topic, message.payload.decode())

        first = ask(register_topic(1), json.dumps({"registrationId": request["registrationId"]}))
        return assignment(first, lambda operation_id: ask(status_topic(2, operation_id)))


def hub_send(request: Request) -> None:
    with Connection(request, MqttLogin.for_hub(request)) as connection:
        connection.publish(f"devices/{request['deviceId']}/messages/events/{request['properties']}", request["body"])


def hub_twin(request: Request) -> object:
    with Connection(request, MqttLogin.for_hub(request)) as connection:
        connection.subscribe("$iothub/twin/res/#")
        return json.loads(connection.ask("$iothub/twin/GET/?$rid=1").payload)


if __name__ == "__main__":
    serve({"register": register, "hubSend": hub_send, "hubTwin": hub_twin})
