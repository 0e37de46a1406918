"""Those who use a server while it is in trouble: devices on each transport, an administrator, a load balancer.

Who speaks MQTT or AMQP has been there before the fault, on a connection that stays open; over HTTP each request has one
of its own.
"""

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.faults.amqp_device import AmqpDevice
from tests.faults.told import Told
from tests.sockets.api import Administrator
from tests.sockets.devices import VERSION, Device
from tests.sockets.raw_http import Answer, exchange, request
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import Deployment

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.packets import Puback, Publish, Subscribe

GROUP = "witnesses"
_ASSIGNED = 6
UNAVAILABLE = (503, 503001)


@dataclass
class Witnesses:
    """A group of devices, of which some are assigned; the others want to be."""

    deployment: Deployment
    assigned: list[Device] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._numbers = itertools.count()
        with Administrator(self.deployment) as administrator:
            self._key = administrator.enroll_group(GROUP)
        for number in range(_ASSIGNED):
            device = self.device(f"assigned-{number}")
            device.register_over_https() if number % 2 else device.register_over_mqtt()
            self.assigned.append(device)
        self._mqtt = _connected(self.device("over-mqtt"))
        self._amqp = AmqpDevice(self.device("over-amqp"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._mqtt.close()
        self._amqp.close()

    def device(self, name: str) -> Device:
        """A member of the group."""
        return Device(self.deployment, name, self._key)

    def want_to_write(self) -> dict[str, Told]:
        """What needs the database to write: registrations, and an administrator's change."""
        group_id = f"another-{next(self._numbers)}"
        group = {"enrollmentGroupId": group_id, "attestation": {"type": "symmetricKey"}}
        return _at_once(
            {
                "HTTPS": lambda: register(self.device("over-https")),
                "MQTT": lambda: _ask(self._mqtt, dps_topics.register_topic("r")),
                "AMQP": self._amqp.register,
                "service API": lambda: self._administer("PUT", f"/enrollmentGroups/{group_id}", group),
            }
        )

    def want_to_read(self) -> dict[str, Told]:
        """What needs no write: polls of known operations, an entry, a device of the hub."""
        device = self.assigned[0]
        return _at_once(
            {
                "poll": lambda: poll(device),
                "entry": lambda: self._administer("GET", f"/enrollmentGroups/{GROUP}"),
                "hub": lambda: self._look_at_hub(f"/devices/{device.registration_id}"),
            }
        )

    def readiness(self) -> Told:
        """What a load balancer is told."""
        return _exchange(self.deployment, request("GET", "/readyz", [("Host", self.deployment.host)]))

    def liveness(self) -> Told:
        """What keeps a service manager from starting it again."""
        return _exchange(self.deployment, request("GET", "/healthz", [("Host", self.deployment.host)]))

    def _administer(self, method: str, path: str, body: Any = None) -> Told:
        with Administrator(self.deployment) as administrator:
            return _told(administrator.service(method, path, body))

    def _look_at_hub(self, path: str) -> Told:
        with Administrator(self.deployment) as administrator:
            return _told(administrator.hub("GET", path))


def _at_once(questions: dict[str, Callable[[], Told]]) -> dict[str, Told]:
    """What each is told; all ask at the same time, since an answer may take its time."""
    with ThreadPoolExecutor(len(questions)) as crowd:
        asked = {who: crowd.submit(question) for who, question in questions.items()}
    return {who: each.result() for who, each in asked.items()}


def register(device: Device) -> Told:
    """Register over HTTPS, once."""
    return _device_request(device, "PUT", "register", b"{}")


def poll(device: Device) -> Told:
    """Ask for the operation that the device was given."""
    return _device_request(device, "GET", f"operations/{device.progress.operation_id}")


def _device_request(device: Device, method: str, what: str, body: bytes | None = None) -> Told:
    target = f"/{device.deployment.id_scope}/registrations/{device.registration_id}/{what}?api-version={VERSION}"
    headers = [("Host", device.deployment.host), ("Authorization", device.token), ("Content-Type", "application/json")]
    return _exchange(device.deployment, request(method, target, headers, body))


def _exchange(deployment: Deployment, data: bytes) -> Told:
    return _told(exchange(deployment, data))


def _told(answer: Answer) -> Told:
    retry_after = answer.headers.get("retry-after")
    body: Any = json.loads(answer.body) if answer.body else None
    return Told(answer.status, body=body, retry_after=None if retry_after is None else int(retry_after))


def _connected(device: Device) -> MqttPeer:
    peer = MqttPeer(device.deployment)
    peer.say(device.connect_packet(), Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
    peer.hear(), peer.hear()
    return peer


def _ask(peer: MqttPeer, topic: str) -> Told:
    peer.say(Publish(topic=topic, payload=b" ", qos=1, packet_id=2))
    published = peer.hear_publish()
    peer.say(Puback(published.packet_id or 0))
    response = dps_topics.parse_response(published.topic)
    return Told(response.status, body=json.loads(published.payload), retry_after=response.retry_after)
