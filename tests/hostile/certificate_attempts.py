"""A device that shows a certificate, on each transport: what it is answered, and what nobody but the operator learns.

One outcome for all of them: the assignment, or status, code and body of a refusal, whose text must say no name out of
the certificates and none of an entry.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.hostile.site import Site
from tests.sockets.api import Administrator
from tests.sockets.devices import VERSION
from tests.sockets.peer import AMQP, HTTPS, Handshake, Peer
from tests.sockets.raw_amqp import (
    ACCEPTED,
    AMQP_HEADER,
    APPLICATION_PROPERTIES,
    ATTACH,
    BEGIN,
    CLOSE,
    DATA,
    DISPOSITION,
    FLOW,
    OPEN,
    REJECTED,
    SOURCE,
    TARGET,
    TRANSFER,
    Described,
    Frames,
    Symbol,
    Ubyte,
    Uint,
    decode_all,
    encode,
    frame,
)
from tests.sockets.raw_http import read_answer, request
from tests.sockets.raw_mqtt import MqttPeer

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.packets import Connack, Connect, Publish, ReturnCode, Subscribe

_PATIENCE = 10
"""How often a record is looked for."""


@dataclass(frozen=True)
class Outcome:
    """What a request to register was answered."""

    status: int
    body: bytes

    @property
    def answer(self) -> dict[str, Any]:
        """The body as JSON."""
        answer: dict[str, Any] = json.loads(self.body)
        return answer

    @property
    def is_let_in(self) -> bool:
        """Whether an operation was begun."""
        return self.status == 202 and self.answer["status"] == "assigning"


def over_https(site: Site, registration_id: str, handshake: Handshake) -> Outcome:
    """The answer's status, and its body."""
    target = f"/{site.deployment.id_scope}/registrations/{registration_id}/register?api-version={VERSION}"
    headers = [("Host", site.deployment.host), ("Content-Type", "application/json")]
    with Peer(site.deployment, HTTPS, handshake) as peer:
        peer.send(request("PUT", target, headers, b"{}"))
        answer = read_answer(peer)
    return Outcome(answer.status, answer.body)


def over_mqtt(site: Site, registration_id: str, handshake: Handshake) -> Outcome:
    """CONNECT is accepted in any case: its code could not say what was wrong. The status is in the topic."""
    user_name = dps_topics.user_name(site.deployment.id_scope, registration_id, VERSION)
    with MqttPeer(site.deployment, handshake) as peer:
        peer.say(Connect(client_id=registration_id, user_name=user_name))
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)
        peer.say(Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
        peer.say(Publish(topic=dps_topics.register_topic("r"), payload=b"{}", qos=1, packet_id=2))
        published = peer.hear_publish()
    status = published.topic.removeprefix("$dps/registrations/res/").partition("/")[0]
    return Outcome(int(status), published.payload)


def over_amqp(site: Site, registration_id: str, handshake: Handshake) -> Outcome:
    """Links are attached in any case; a refusal rejects the message, its description being the error's JSON."""
    address = f"{site.deployment.id_scope}/registrations/{registration_id}"
    message = Described(APPLICATION_PROPERTIES, {"iotdps-operation-type": "iotdps-register"})
    payload = encode(message) + encode(Described(DATA, b"{}"))
    transfer = Described(TRANSFER, [Uint(1), Uint(0), b"1", Uint(0), False, False])
    with Peer(site.deployment, AMQP, handshake) as peer:
        peer.send(AMQP_HEADER + frame(Described(OPEN, ["device"])))
        peer.send(frame(Described(BEGIN, [None, Uint(0), Uint(100), Uint(100)])))
        peer.send(frame(_attach("in", 0, source=address)) + frame(_credit()) + frame(_attach("out", 1, target=address)))
        frames = performatives(peer)
        _await(frames, FLOW)
        peer.send(frame(transfer, payload))
        outcome: Described = _await(frames, DISPOSITION)[0].field(4)
        if outcome.code == ACCEPTED:
            return Outcome(202, _section(_await(frames, TRANSFER)[1], DATA))
    assert outcome.code == REJECTED, outcome
    description = outcome.field(0).field(1).encode()
    return Outcome(json.loads(description)["errorCode"] // 1000, description)


TRANSPORTS = {"HTTPS": over_https, "MQTT": over_mqtt, "AMQP": over_amqp}


def _attach(name: str, handle: int, *, source: str | None = None, target: str | None = None) -> Described:
    termini = [Described(SOURCE, [source]), Described(TARGET, [target])]
    properties = {Symbol("com.microsoft:api-version"): VERSION}
    modes = [source is not None, Ubyte(0), Ubyte(0)]
    return Described(ATTACH, [name, Uint(handle), *modes, *termini, None, None, Uint(0), None, None, None, properties])


def _credit() -> Described:
    return Described(FLOW, [Uint(0), Uint(100), Uint(0), Uint(100), Uint(0), Uint(0), Uint(10)])


def performatives(peer: Peer) -> Iterator[tuple[Described, bytes]]:
    """What the server says, each with its payload."""
    frames = Frames()
    while data := peer.receive():
        frames.feed(data)
        yield from (heard for heard in frames if isinstance(heard, tuple))


def _await(frames: Iterator[tuple[Described, bytes]], code: int) -> tuple[Described, bytes]:
    for performative, payload in frames:
        if performative.code == code:
            return performative, payload
        assert performative.code != CLOSE, performative
    raise ConnectionResetError("the server closed")


def _section(payload: bytes, code: int) -> bytes:
    found: bytes = next(section.value for section in decode_all(payload) if section.code == code)
    return found


@dataclass
class Entries:
    """Entries that attest by X.509, made for one test and deleted after it."""

    administrator: Administrator
    _made: list[str] = field(default_factory=list)

    def group(self, group_id: str, *signing: str, enabled: bool = True, **references: str) -> None:
        """A group by one or two PEM certificates, or by the names of CA certificates (`primary`, `secondary`)."""
        slots = dict(zip(("primary", "secondary"), ({"certificate": each} for each in signing), strict=False))
        x509 = {"caReferences": references} if references else {"signingCertificates": slots}
        self._put(
            f"/enrollmentGroups/{group_id}",
            enrollmentGroupId=group_id,
            attestation={"type": "x509", "x509": x509},
            provisioningStatus="enabled" if enabled else "disabled",
        )

    def individual(self, registration_id: str, *certificates: str, enabled: bool = True) -> None:
        """An individual enrollment by one or two PEM certificates."""
        slots = dict(zip(("primary", "secondary"), ({"certificate": each} for each in certificates), strict=False))
        self._put(
            f"/enrollments/{registration_id}",
            registrationId=registration_id,
            attestation={"type": "x509", "x509": {"clientCertificates": slots}},
            provisioningStatus="enabled" if enabled else "disabled",
        )

    def individual_by_key(self, registration_id: str, *, enabled: bool) -> None:
        """An individual enrollment by a key that no device has."""
        self._put(
            f"/enrollments/{registration_id}",
            registrationId=registration_id,
            attestation={"type": "symmetricKey"},
            provisioningStatus="enabled" if enabled else "disabled",
        )

    def delete(self, path: str) -> None:
        """Delete an entry before the test is over."""
        answer = self.administrator.service("DELETE", path, If_Match="*")
        assert answer.status == 204, answer
        self._made.remove(path)

    def delete_all(self) -> None:
        """Leave nothing."""
        for path in list(self._made):
            self.delete(path)

    def _put(self, path: str, **body: Any) -> None:
        answer = self.administrator.service("PUT", path, body)
        assert answer.status == 200, answer
        self._made.append(path)


@contextmanager
def entries_of(site: Site) -> Iterator[Entries]:
    """Entries as long as the block lasts."""
    with Administrator(site.deployment) as administrator:
        entries = Entries(administrator)
        try:
            yield entries
        finally:
            entries.delete_all()


def check_refusal(site: Site, outcome: Outcome, code: int, *, secrets: Sequence[str]) -> None:
    """A refusal is this one, shaped as all errors are, and names nothing that the device has not said itself."""
    assert outcome.status == code // 1000, outcome
    site.check_error_body(outcome.body, code)
    assert "info" not in outcome.answer, outcome
    told = [name for name in secrets if name in outcome.answer["message"]]
    assert not told, outcome


def cause_on_record(site: Site, registration_id: str) -> str | None:
    """What `homeport explain` says about the last refusal; it is on record a second after it."""
    for _ in range(_PATIENCE):
        explained = site.server.command("explain", registration_id, "--json")
        assert explained.returncode == 0, explained
        cause: str | None = json.loads(explained.stdout)["cause"]
        if cause is not None:
            return cause
    return None
