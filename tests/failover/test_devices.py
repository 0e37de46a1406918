"""A device that behaves: what it does after each answer, and that it notes everything."""

import asyncio
import random
from collections.abc import Sequence
from types import MappingProxyType

import pytest
from bench.storm.clients import CLIENTS
from failover.conversations import Answer, CutOff, Service
from failover.devices import Assignment, Device
from failover.https_conversation import read_answer

from failover import devices

ASSIGNING = Answer(202, {"operationId": "4.x", "status": "assigning"}, 3.0)
ASSIGNED = Answer(
    200,
    {
        "operationId": "4.x",
        "status": "assigned",
        "registrationState": {"assignedHub": "hub.example", "deviceId": "d"},
    },
    None,
)
UNAVAILABLE = Answer(503, {}, 5.0)
TOLD = Assignment("4.x", "hub.example", "d")

Said = Answer | Exception


class Script:
    """A service that answers by the book, whatever it is asked; each connection is noted, and each pause."""

    def __init__(self, *said: Said) -> None:
        self._said = list(said)
        self.connections = 0
        self.asked: list[str] = []
        self.pauses: list[float] = []

    async def open(self, service: Service, registration_id: str, token: str) -> "Script":
        self.connections += 1
        return self

    async def register(self) -> Answer:
        return self._next("register")

    async def ask(self, operation_id: str) -> Answer:
        return self._next(operation_id)

    def close(self) -> None: ...

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def _next(self, what: str) -> Answer:
        self.asked.append(what)
        said = self._said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def provision(monkeypatch: pytest.MonkeyPatch, client: str, *said: Said) -> tuple[Device, Script]:
    script = Script(*said)
    monkeypatch.setattr(devices, "_OPEN", MappingProxyType({"https": script.open, "mqtt": script.open}))
    monkeypatch.setattr(devices.asyncio, "sleep", script.sleep)
    device = Device(registration_id="d", token="", rule=CLIENTS[client], rng=random.Random(1))
    asyncio.run(device.provision(Service(host="h", id_scope="s", tls=None)))  # type: ignore[arg-type]
    return device, script


def kinds(device: Device) -> Sequence[str]:
    return [trouble.what for trouble in device.troubles]


def test_register_poll_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    device, script = provision(monkeypatch, "c-http", ASSIGNING, ASSIGNING, ASSIGNED)
    assert script.asked == ["register", "4.x", "4.x"]
    assert script.pauses == [3.0, 3.0]
    assert device.assignment == TOLD
    assert len(device.accepted_at) == 1
    assert kinds(device) == []


def test_a_client_that_resends_asks_again_on_the_same_connection_after_retry_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, script = provision(monkeypatch, "c-http", UNAVAILABLE, ASSIGNING, UNAVAILABLE, ASSIGNED)
    assert script.connections == 1
    assert script.asked == ["register", "register", "4.x", "4.x"]
    assert script.pauses == [5.0, 3.0, 5.0]
    assert kinds(device) == ["503", "503"]
    assert device.assignment == TOLD


def test_a_client_that_gives_up_is_started_again_by_its_application(monkeypatch: pytest.MonkeyPatch) -> None:
    device, script = provision(monkeypatch, "node-http", UNAVAILABLE, ASSIGNING, ASSIGNED)
    assert script.connections == 2
    assert 5.0 <= script.pauses[0] <= 10.0
    assert kinds(device) == ["503"]
    assert device.assignment == TOLD


def test_a_device_that_is_cut_off_or_hears_nothing_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [CutOff("cut off"), ASSIGNING, TimeoutError(), ASSIGNING, ASSIGNED]
    device, script = provision(monkeypatch, "c-mqtt", *said)
    assert script.asked == ["register", "register", "4.x", "register", "4.x"]
    assert kinds(device) == ["cut off", "no answer"]
    assert len(device.accepted_at) == 2


@pytest.mark.parametrize("refusal", [Answer(404, {}, None), Answer(200, {**ASSIGNED.body, "status": "failed"}, None)])
def test_an_operation_that_is_unknown_or_failed_is_a_refusal(monkeypatch: pytest.MonkeyPatch, refusal: Answer) -> None:
    device, script = provision(monkeypatch, "c-http", ASSIGNING, refusal)
    assert len(script.asked) == 2
    assert device.assignment is None
    assert str(refusal.status) in (device.refusal or "")


def test_a_503_that_does_not_say_when_to_come_back_is_noted_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    device, _ = provision(monkeypatch, "c-http", Answer(503, {}, None), ASSIGNING, ASSIGNED)
    assert kinds(device) == ["503 without Retry-After"]


def test_an_https_answer_may_come_in_pieces() -> None:
    text = b'HTTP/1.1 503 X\r\nRetry-After: 5\r\nContent-Length: 16\r\n\r\n{"message": "m"}'
    assert [read_answer(text[:end]) for end in (0, 10, 50, len(text) - 1)] == [None] * 4
    assert read_answer(text) == Answer(503, {"message": "m"}, 5.0)


def test_an_https_answer_without_body_is_one() -> None:
    assert read_answer(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n") == Answer(500, {}, None)
