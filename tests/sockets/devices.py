"""A device that behaves: registers over HTTPS or MQTT and asks until it is assigned, each step acknowledged.

Its `progress` says what the server has answered so far, whatever becomes of the connection afterwards.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import Answer, read_answer, request
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import Deployment
from tests.sockets.signing import device_key, device_token

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.packets import Connack, Connect, Puback, Publish, ReturnCode, Suback, Subscribe

VERSION = "2021-06-01"
_PATIENCE = 200
_PAUSE = 0.05


@dataclass
class Progress:
    """What a device has been told: the operation that it was given, and the assignment that it read."""

    operation_id: str | None = None
    assignment: dict[str, Any] | None = None


@dataclass
class Device:
    """A member of an enrollment group."""

    deployment: Deployment
    registration_id: str
    group_key: str
    progress: Progress = field(default_factory=Progress)

    @property
    def key(self) -> str:
        """The device's own key."""
        return device_key(self.group_key, self.registration_id)

    @property
    def token(self) -> str:
        """A fresh token."""
        return device_token(self.deployment, self.registration_id, self.key)

    def register_over_https(self) -> Progress:
        """Register and poll on one connection, unless the server says that it has taken the last request there."""
        with _Https(self.deployment) as https:
            self._told(self._ask(https, "PUT", "register", b"{}").json())
            self._until_assigned(lambda operation: self._ask(https, "GET", f"operations/{operation}").json())
        return self.progress

    def ask_again(self) -> Progress:
        """Poll the operation that the device was given, with nothing but its ID left; a fresh progress."""
        again = Device(self.deployment, self.registration_id, self.group_key, Progress(self.progress.operation_id))
        with _Https(self.deployment) as https:
            again._until_assigned(lambda operation: again._ask(https, "GET", f"operations/{operation}").json())
        return again.progress

    def register_over_mqtt(self) -> Progress:
        """Connect, subscribe, register and poll."""
        with MqttPeer(self.deployment) as peer:
            peer.say(self.connect_packet())
            _expect(peer, Connack(ReturnCode.ACCEPTED))
            peer.say(Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
            _expect(peer, Suback(1, (1,)))
            self._told(_question(peer, dps_topics.register_topic("r")))
            self._until_assigned(lambda operation: _question(peer, dps_topics.status_topic("r", operation)))
        return self.progress

    def connect_packet(self) -> Connect:
        """How the device introduces itself."""
        name = dps_topics.user_name(self.deployment.id_scope, self.registration_id, VERSION)
        return Connect(client_id=self.registration_id, user_name=name, password=self.token.encode(), keep_alive=60)

    def _ask(self, https: "_Https", method: str, what: str, body: bytes | None = None) -> Answer:
        target = f"/{self.deployment.id_scope}/registrations/{self.registration_id}/{what}?api-version={VERSION}"
        headers = [("Host", self.deployment.host), ("Authorization", self.token)]
        return https.ask(request(method, target, [*headers, ("Content-Type", "application/json")], body))

    def _until_assigned(self, poll: Callable[[str], dict[str, Any]]) -> None:
        for _ in range(_PATIENCE):
            assert self.progress.operation_id is not None
            if self._told(poll(self.progress.operation_id)):
                return
            time.sleep(_PAUSE)
        raise AssertionError("the device was not assigned in time")

    def _told(self, answer: dict[str, Any]) -> bool:
        """Take note of an answer; whether it says `assigned`."""
        assert answer.get("status") in ("assigning", "assigned"), answer
        self.progress.operation_id = answer["operationId"]
        if answer["status"] == "assigned":
            self.progress.assignment = answer["registrationState"]
        return self.progress.assignment is not None


class _Https:
    """A connection, and another one once the server has said `Connection: close` (RFC 9112, section 9.6)."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._peer = Peer(deployment, HTTPS)
        self._is_over = False

    def ask(self, data: bytes) -> Answer:
        """Send a request; its answer."""
        if self._is_over:
            self._peer.close()
            self._peer = Peer(self._deployment, HTTPS)
        self._peer.send(data)
        answer = read_answer(self._peer)
        self._is_over = answer.headers.get("connection") == "close"
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._peer.close()


def _question(peer: MqttPeer, topic: str) -> dict[str, Any]:
    peer.say(Publish(topic=topic, payload=b" ", qos=1, packet_id=2))
    published = peer.hear_publish()
    peer.say(Puback(published.packet_id))
    answer: dict[str, Any] = json.loads(published.payload)
    return answer


def _expect(peer: MqttPeer, wanted: Connack | Suback) -> None:
    heard = peer.hear()
    if heard is None:
        raise ConnectionResetError("the server closed")
    assert heard == wanted, heard
