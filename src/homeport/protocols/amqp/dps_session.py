"""A device talks to the provisioning service over AMQP, from the first link that it attaches to the last reply.

Counterpart: `session.py`, which keeps the AMQP of the connection. Knows the questions that a device may ask, and
nothing of how they are decided.

A SASL proof has been judged before the first link. A certificate is judged now, since a link is the first to name
the registration. If the proof does not hold, the link is attached all the same, and each request on it is rejected
with the error. A link that is refused would reach C# as an "AMQP
transport exception" that claims to be transient, and C as no more than a failed receiver; the description of a
rejection is what C# parses and throws as the error of the service, and what Node hands to its caller beside the
condition. Such a connection ends after five seconds or three answers. A certificate that could not be judged ends
the connection at once, because nothing would attest it a second time.
"""

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential
from homeport.model.identifiers import RegistrationId, folded, parse_operation_id, parse_registration_id
from homeport.model.registration import RegistrationOperation
from homeport.protocols.amqp import conditions, registration_link
from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.deliveries import CREDIT, Delivery
from homeport.protocols.amqp.links import Links
from homeport.protocols.amqp.liveness import Liveness
from homeport.protocols.amqp.messages import Message, encode_message
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import Error, MessageId
from homeport.protocols.amqp.registration_link import DpsAddress, RegisterRequest, Request
from homeport.protocols.amqp.types import Map
from homeport.protocols.conversation import (
    Answered,
    Attest,
    GetOperationStatus,
    Question,
    Refusal,
    Refuse,
    Register,
)
from homeport.wire.api_versions import served_version
from homeport.wire.device_registration import read_registration_payload

MAX_BACKLOG = 256 * 1024
MAX_QUESTIONS = 16
_FLOOD = CREDIT
_RETRY_AFTER = 3

IDLE_LIMIT = 400
_REFUSED_FOR = 5.0
_REFUSED_ANSWERS = 3

_TRANSIENT = 429


class _Asked(msgspec.Struct, frozen=True):
    """A request whose answer is awaited; the links of its session may have gone by then."""

    links: Links
    delivery: Delivery
    correlation_id: MessageId | None


class DpsDialogue:
    """One device's questions and their answers. `proof` is what SASL has made of it, or a certificate to be judged."""

    def __init__(
        self, outbox: Outbox, address: DpsAddress, proof: AttestedIdentity | Refusal | PresentedCredential
    ) -> None:
        self._outbox = outbox
        self._address = address
        self._proof = proof
        self._standing: AttestedIdentity | Refusal | None = proof if isinstance(proof, Refusal) else None
        self._opening: Question | None = None
        self._refusals = 0
        self._asked = 0
        self._open: dict[str, _Asked] = {}

    kind = "dps"
    max_backlog = MAX_BACKLOG

    @property
    def opening(self) -> bool:
        """Whether it waits for a judgement, and nothing more may be taken until then."""
        return self._opening is not None

    @property
    def open_questions(self) -> int:
        """How many questions wait for their answer."""
        return len(self._open) + self.opening

    def consent(self, address: object, properties: Map | None) -> Error | None:
        """Whether a link to that address may be attached: None, or why not.

        The first one asks for the judgement of the proof; each is held to a known form of `api-version`.
        """
        named = registration_link.parse_address(address)
        if named is None:
            return Error(conditions.NOT_FOUND, "a link goes to {idScope}/registrations/{registrationId}")
        if folded(str(named)) != folded(str(self._address)):
            return Error(conditions.UNAUTHORIZED_ACCESS, "the link is about another registration than the proof")
        if not isinstance(self._standing, Refusal):
            self._open_with(registration_link.api_version(properties))
        return None

    def opened(self, answer: Answered) -> Liveness | None:
        """Take the answer to the opening question: how long the connection may live from now on; None for another one.

        Raises:
            Violation: the proof could not be judged.
        """
        if self._opening is None or answer.question != self._opening:
            return None
        self._opening = None
        outcome = answer.outcome
        if isinstance(outcome, AttestedIdentity) or (isinstance(outcome, Refusal) and outcome.status < _TRANSIENT):
            self._standing = outcome
            return liveness_of(outcome)
        condition = conditions.INTERNAL_ERROR
        if isinstance(outcome, Refusal):
            condition = registration_link.error_of(outcome).condition
        raise Violation(condition, "the service could not attest")

    def requested(self, links: Links, delivery: Delivery, message: Message) -> None:
        """The device asks.

        Raises:
            Violation: it does not wait for answers, or has been refused often enough.
        """
        if len(self._open) >= _FLOOD:
            raise Violation(conditions.RESOURCE_LIMIT_EXCEEDED, "a flood of questions")
        if isinstance(self._standing, AttestedIdentity):
            self._ask(_Asked(links, delivery, message.properties.correlation_id), message, self._standing)
        elif self._standing is not None:
            self._refuse(links, delivery, self._standing)

    def answered(self, answer: Answered) -> None:
        """Send the answer to a question.

        Raises:
            Violation: the device does not take it.
        """
        question, outcome = answer.question, answer.outcome
        if not isinstance(question, Register | GetOperationStatus | Refuse):
            return
        asked = self._open.pop(question.tag, None)
        if asked is None:
            return
        if isinstance(outcome, RegistrationOperation):
            self._reply(asked, outcome)
        elif isinstance(outcome, Refusal):
            asked.links.reject(asked.delivery, registration_link.error_of(outcome))

    def _open_with(self, api_version: str | None) -> None:
        try:
            served_version(api_version)
            registration_id = parse_registration_id(self._address.registration_id)
        except HomeportError as error:
            return self._ask_first(Refuse(error))
        if self._standing is None and isinstance(self._proof, AttestedIdentity):
            self._standing = self._proof
        elif self._standing is None:
            self._ask_first(self._attestation(registration_id, self._proof))

    def _attestation(
        self, registration_id: RegistrationId, proof: AttestedIdentity | Refusal | PresentedCredential
    ) -> Question:
        credential = proof if isinstance(proof, PresentedCredential) else PresentedCredential()
        return Attest(id_scope=self._address.id_scope, registration_id=registration_id, credential=credential)

    def _ask_first(self, question: Question) -> None:
        self._opening = question
        self._outbox.ask(question)

    def _ask(self, asked: _Asked, message: Message, identity: AttestedIdentity) -> None:
        self._asked += 1
        tag = str(self._asked)
        try:
            self._check(asked.links)
            request = registration_link.parse_request(message)
            question = _question(request, message, tag, scope=self._address.id_scope, identity=identity)
        except HomeportError as error:
            question = Refuse(error, tag)
        self._open[tag] = asked
        self._outbox.ask(question)

    def _check(self, links: Links) -> None:
        if len(self._open) >= MAX_QUESTIONS:
            raise HomeportError(
                errors.THROTTLED,
                "Wait for answers before asking more.",
                cause="open_questions",
                retry_after=_RETRY_AFTER,
            )
        if not links.can_reply:
            raise HomeportError(errors.INVALID_REQUEST, "Attach a receiver link for the answers first.")

    def _refuse(self, links: Links, delivery: Delivery, refusal: Refusal) -> None:
        links.reject(delivery, registration_link.error_of(refusal))
        self._refusals += 1
        if self._refusals >= _REFUSED_ANSWERS:
            raise Violation(conditions.UNAUTHORIZED_ACCESS, "its attestation failed")

    def _reply(self, asked: _Asked, operation: RegistrationOperation) -> None:
        if not asked.links.can_reply:
            return asked.links.release(asked.delivery)
        asked.links.accept(asked.delivery)
        body = msgspec.json.encode(operation.body)
        message = registration_link.reply(body, correlation_id=asked.correlation_id, retry_after=operation.retry_after)
        asked.links.reply(encode_message(message))


def liveness_of(standing: AttestedIdentity | Refusal | None) -> Liveness:
    """How long a connection may live whose proof has been judged, or is still to be: shortly if it did not hold."""
    if isinstance(standing, Refusal):
        return Liveness(expires_in=_REFUSED_FOR, at_expiry="its attestation failed")
    return Liveness(idle_limit=IDLE_LIMIT)


def _question(
    request: Request | None, message: Message, tag: str, *, scope: str, identity: AttestedIdentity
) -> Question:
    """The device's question. The body of a poll is nobody's concern: SDKs send nothing, a text, or the last one again.

    Raises:
        HomeportError: an unknown operation, a malformed body or operation ID.
    """
    registration_id = identity.registration_id
    if request is None:
        raise HomeportError(errors.INVALID_REQUEST, "iotdps-operation-type: use iotdps-register.")
    if isinstance(request, RegisterRequest):
        if message.body is None:
            raise HomeportError(errors.INVALID_BODY, "Send the JSON as a data section.")
        payload = read_registration_payload(message.body, registration_id)
        return Register(id_scope=scope, registration_id=registration_id, proof=identity, payload=payload, tag=tag)
    return GetOperationStatus(
        id_scope=scope,
        registration_id=registration_id,
        proof=identity,
        operation_id=parse_operation_id(request.operation_id),
        tag=tag,
    )
