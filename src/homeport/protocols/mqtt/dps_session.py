"""A device talks to the provisioning service over MQTT, from the judgement of its CONNECT to the last answer.

Counterpart: `session.py`, which keeps the MQTT of the connection. Knows the questions that a device may ask, and
nothing of how they are decided.

A credential that does not hold is not refused by CONNACK but accepted, and each question on that connection is
answered with the error: so the SDKs of Node, C, C# and embedded C show their user the reason, and Python its
status, where CONNACK 5 would leave all of them with "not authorized". Such a connection ends after five seconds
or three answers. CONNACK refuses what cannot be tied to a registration (2), what brings no proof at all (5), and
what may be tried again unchanged (3), because nothing would attest the connection a second time.
"""

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential
from homeport.model.identifiers import folded, parse_operation_id, parse_registration_id
from homeport.model.registration import RegistrationOperation
from homeport.protocols.conversation import (
    Answered,
    Attest,
    GetOperationStatus,
    Question,
    Refusal,
    Refuse,
    Register,
)
from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.deliveries import IncomingDeliveries, OutgoingDeliveries
from homeport.protocols.mqtt.dps_topics import RegisterRequest, Request
from homeport.protocols.mqtt.liveness import Liveness
from homeport.protocols.mqtt.outbox import Outbox
from homeport.protocols.mqtt.packets import SUBSCRIPTION_REFUSED, Connack, Connect, Puback, Publish, ReturnCode
from homeport.wire.api_versions import served_version
from homeport.wire.device_registration import read_registration_payload

MAX_PACKET = 128 * 1024
MAX_BACKLOG = 256 * 1024
MAX_QUESTIONS = 16
_FLOOD = 2 * MAX_QUESTIONS
_MAX_UNACKNOWLEDGED = 64
_RETRY_AFTER = 3

_REFUSED_FOR = 5.0
_REFUSED_ANSWERS = 3
# For clients that ask for no keep-alive (C, C#); longer than any retry-after that they honour.
_IDLE_LIMIT = 400

_ACCEPTED = 202
_OK = 200
_TRANSIENT = 429


class DpsDialogue:
    """One device's questions and their answers."""

    def __init__(self, outbox: Outbox, connect: Connect, credential: PresentedCredential) -> None:
        self._outbox = outbox
        self._connect = connect
        self._credential = credential
        self._name = dps_topics.parse_user_name(connect.user_name or "")
        self._standing: AttestedIdentity | Refusal | None = None
        self._refusals = 0
        self._response_qos: int | None = None
        self._open: list[str] = []
        self._incoming = IncomingDeliveries()
        self._outgoing = OutgoingDeliveries(_MAX_UNACKNOWLEDGED)

    kind = "dps"
    max_packet = MAX_PACKET
    max_backlog = MAX_BACKLOG
    busy = False
    """Never: a flood is answered, or ends the connection."""

    @property
    def open_questions(self) -> int:
        """How many questions wait for their answer."""
        return len(self._open)

    def begin(self) -> None:
        """Judge the CONNECT as far as its own words go, and ask for the rest."""
        if folded(self._connect.client_id) != folded(self._name.registration_id):
            return self._outbox.reject(ReturnCode.IDENTIFIER_REJECTED, "the client ID is not the registration ID")
        if self._credential == PresentedCredential():
            return self._outbox.reject(ReturnCode.NOT_AUTHORIZED, "no credential")
        self._outbox.ask(self._opening())

    def opened(self, answer: Answered) -> Liveness | None:
        """Take the answer to the opening question: how long the connection may live, or None if it ends."""
        outcome = answer.outcome
        if isinstance(outcome, AttestedIdentity):
            self._standing = outcome
            self._outbox.send(Connack(ReturnCode.ACCEPTED))
            return Liveness(keep_alive=self._connect.keep_alive or _IDLE_LIMIT)
        if isinstance(outcome, Refusal) and outcome.status < _TRANSIENT:
            self._standing = outcome
            self._outbox.send(Connack(ReturnCode.ACCEPTED))
            return Liveness(expires_in=_REFUSED_FOR, at_expiry="its attestation failed")
        self._outbox.reject(ReturnCode.SERVER_UNAVAILABLE, "the service could not attest")
        return None

    def grant(self, topic_filter: str, qos: int) -> int:
        """SUBACK's code for one filter; only that of the responses is granted."""
        if topic_filter != dps_topics.RESPONSE_FILTER:
            return SUBSCRIPTION_REFUSED
        self._response_qos = qos
        return qos

    def withdraw(self, topic_filter: str) -> None:
        """The device unsubscribes, as Node does at the end."""
        if topic_filter == dps_topics.RESPONSE_FILTER:
            self._response_qos = None

    def acknowledged(self, packet_id: int) -> None:
        """The device has a response."""
        self._outgoing.acknowledged(packet_id)

    def published(self, packet: Publish) -> None:
        """The device asks. The acknowledgement waits for the answer, to leave just before it in one piece."""
        request = dps_topics.parse_request(packet.topic)
        if request is None:
            return self._outbox.close("a PUBLISH to a foreign topic")
        tag = f"{packet.packet_id} {request.request_id}"
        if packet.duplicate and tag in self._open:
            return self._outbox.send(Puback(packet.packet_id))
        self._incoming.take(packet.packet_id)
        if isinstance(self._standing, AttestedIdentity):
            self._ask(request, packet.payload, tag, self._standing)
        elif self._standing is not None:
            self._refuse(request.request_id, self._standing)

    def answered(self, answer: Answered) -> None:
        """Send the answer to a question."""
        question, outcome = answer.question, answer.outcome
        if not isinstance(question, Register | GetOperationStatus | Refuse) or question.tag not in self._open:
            return
        self._open.remove(question.tag)
        request_id = question.tag.partition(" ")[2]
        if isinstance(outcome, RegistrationOperation):
            pending = isinstance(question, Register) or outcome.retry_after is not None
            body = msgspec.json.encode(outcome.body)
            self._respond(_ACCEPTED if pending else _OK, request_id, body, retry_after=outcome.retry_after)
        elif isinstance(outcome, Refusal):
            self._respond(outcome.status, request_id, outcome.body, retry_after=outcome.retry_after)

    def _opening(self) -> Question:
        try:
            served_version(self._name.api_version)
            registration_id = parse_registration_id(self._name.registration_id)
        except HomeportError as error:
            return Refuse(error)
        return Attest(id_scope=self._name.id_scope, registration_id=registration_id, credential=self._credential)

    def _ask(self, request: Request, body: bytes, tag: str, identity: AttestedIdentity) -> None:
        if len(self._open) >= _FLOOD:
            return self._outbox.close("a flood of questions")
        try:
            if len(self._open) >= MAX_QUESTIONS:
                raise HomeportError(
                    errors.THROTTLED,
                    "Wait for answers before asking more.",
                    cause="open_questions",
                    retry_after=_RETRY_AFTER,
                )
            question = _question(request, body, tag, scope=self._name.id_scope, identity=identity)
        except HomeportError as error:
            question = Refuse(error, tag)
        self._open.append(tag)
        self._outbox.ask(question)

    def _refuse(self, request_id: str, refusal: Refusal) -> None:
        self._respond(refusal.status, request_id, refusal.body, retry_after=refusal.retry_after)
        self._refusals += 1
        if self._refusals >= _REFUSED_ANSWERS:
            self._outbox.close("its attestation failed")

    def _respond(self, status: int, request_id: str, body: bytes, *, retry_after: int | None) -> None:
        for received in self._incoming.settle_all():
            self._outbox.send(Puback(received))
        if self._response_qos is None:
            return self._outbox.close("asked without a subscription to the responses")
        packet_id = self._outgoing.begin(self._response_qos)
        if packet_id is None:
            return self._outbox.close("does not acknowledge what it is sent")
        topic = dps_topics.response_topic(status, request_id, retry_after)
        self._outbox.send(Publish(topic=topic, payload=body, qos=self._response_qos, packet_id=packet_id))


def _question(request: Request, body: bytes, tag: str, *, scope: str, identity: AttestedIdentity) -> Question:
    """The device's question. The body of a poll is nobody's concern: SDKs send nothing, a space, or the last one again.

    Raises:
        HomeportError: a malformed body or operation ID.
    """
    registration_id = identity.registration_id
    if isinstance(request, RegisterRequest):
        payload = read_registration_payload(body, registration_id)
        return Register(id_scope=scope, registration_id=registration_id, proof=identity, payload=payload, tag=tag)
    return GetOperationStatus(
        id_scope=scope,
        registration_id=registration_id,
        proof=identity,
        operation_id=parse_operation_id(request.operation_id),
        tag=tag,
    )
