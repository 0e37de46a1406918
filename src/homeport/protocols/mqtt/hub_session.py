"""A device talks to its hub over MQTT, from the judgement of its CONNECT to telemetry and twin.

Counterpart: `session.py`, which keeps the MQTT of the connection; `hubs/embedded/` answers the questions. Hub SDKs
expect a refusal in CONNACK, so here it is one. Direct methods and cloud-to-device messages are granted as
subscriptions, because SDKs ask for them unasked, and deliver nothing yet.
"""

from homeport.errors import HomeportError
from homeport.model.attestation import PresentedCredential
from homeport.model.identifiers import parse_device_id
from homeport.protocols.conversation import (
    Answered,
    DesiredPropertiesChanged,
    Done,
    GetTwin,
    HubSession,
    OpenHubSession,
    Outcome,
    PatchReportedProperties,
    Refusal,
    ReportedPropertiesVersion,
    SendTelemetry,
    TwinDocument,
)
from homeport.protocols.mqtt import hub_topics
from homeport.protocols.mqtt.deliveries import IncomingDeliveries, OutgoingDeliveries
from homeport.protocols.mqtt.hub_topics import HubPublish, HubUserName, Subscription, Telemetry, TwinGet, TwinPatch
from homeport.protocols.mqtt.liveness import Liveness
from homeport.protocols.mqtt.outbox import Outbox
from homeport.protocols.mqtt.packets import SUBSCRIPTION_REFUSED, Connack, Connect, Puback, Publish, ReturnCode

MAX_PACKET = 256 * 1024
MAX_BACKLOG = 1024 * 1024
MAX_QUESTIONS = 64
_MAX_UNACKNOWLEDGED = 64
_TRANSIENT = 429
_OK = 200
_NO_CONTENT = 204


class HubDialogue:
    """One device's session with its hub."""

    def __init__(self, outbox: Outbox, connect: Connect, credential: PresentedCredential) -> None:
        self._outbox = outbox
        self._connect = connect
        self._credential = credential
        self._session: HubSession | None = None
        self._subscriptions: dict[Subscription, int] = {}
        self._open: list[str] = []
        self._incoming = IncomingDeliveries()
        self._outgoing = OutgoingDeliveries(_MAX_UNACKNOWLEDGED)

    kind = "hub"
    max_packet = MAX_PACKET
    max_backlog = MAX_BACKLOG

    @property
    def busy(self) -> bool:
        """Whether the hub must catch up first; what the device sends meanwhile waits."""
        return len(self._open) >= MAX_QUESTIONS

    @property
    def open_questions(self) -> int:
        """How many questions wait for their answer."""
        return len(self._open)

    def begin(self) -> None:
        """Judge the CONNECT as far as its own words go, and ask the hub for the rest."""
        text = self._connect.user_name or ""
        name = hub_topics.parse_user_name(text)
        if name is None and hub_topics.names_module(text):
            self._outbox.reject(ReturnCode.IDENTIFIER_REJECTED, "modules are not offered")
        elif name is None:
            self._outbox.reject(ReturnCode.BAD_USER_NAME_OR_PASSWORD, "a user name of unknown form")
        elif self._connect.client_id != name.device_id:
            self._outbox.reject(ReturnCode.IDENTIFIER_REJECTED, "the client ID is not the device ID")
        elif self._credential == PresentedCredential():
            self._outbox.reject(ReturnCode.NOT_AUTHORIZED, "no credential")
        else:
            self._ask_to_open(name)

    def opened(self, answer: Answered) -> Liveness | None:
        """Take the hub's decision: how long the connection may live, or None if it ends."""
        outcome = answer.outcome
        if isinstance(outcome, HubSession):
            self._session = outcome
            self._outbox.send(Connack(ReturnCode.ACCEPTED))
            return Liveness(
                keep_alive=self._connect.keep_alive,
                expires_in=outcome.expires_in,
                at_expiry="its credential has expired",
            )
        if isinstance(outcome, Refusal) and outcome.status < _TRANSIENT:
            self._outbox.reject(ReturnCode.NOT_AUTHORIZED, "the hub refused the device")
        else:
            self._outbox.reject(ReturnCode.SERVER_UNAVAILABLE, "the hub is unavailable")
        return None

    def grant(self, topic_filter: str, qos: int) -> int:
        """SUBACK's code for one filter."""
        subscription = hub_topics.parse_filter(topic_filter, self._connect.client_id)
        if subscription is None:
            return SUBSCRIPTION_REFUSED
        self._subscriptions[subscription] = qos
        return qos

    def withdraw(self, topic_filter: str) -> None:
        """The device unsubscribes; from what it never subscribed to, too."""
        subscription = hub_topics.parse_filter(topic_filter, self._connect.client_id)
        if subscription is not None:
            self._subscriptions.pop(subscription, None)

    def acknowledged(self, packet_id: int) -> None:
        """The device has a message."""
        self._outgoing.acknowledged(packet_id)

    def published(self, packet: Publish) -> None:
        """The device sends a message, asks for its twin or reports properties."""
        published = hub_topics.parse_publish(packet.topic, self._connect.client_id)
        if published is None or self._session is None:
            return self._outbox.close("a PUBLISH to a foreign topic")
        self._incoming.take(packet.packet_id)
        question = _question(published, packet, self._session)
        if question is None:
            return self._settle(packet.packet_id)
        self._open.append(question.tag)
        self._outbox.ask(question)

    def answered(self, answer: Answered) -> None:
        """Acknowledge what has been done, and send what was asked for."""
        question, outcome = answer.question, answer.outcome
        if not isinstance(question, SendTelemetry | GetTwin | PatchReportedProperties):
            return
        if question.tag not in self._open:
            return
        self._open.remove(question.tag)
        packet_id, _, request_id = question.tag.partition(" ")
        if request_id:
            self._settle(int(packet_id))
            self._respond(request_id, outcome)
        elif isinstance(outcome, Done):
            self._settle(int(packet_id))
        else:
            self._outbox.close("the hub did not take a message")

    def desired_properties_changed(self, event: DesiredPropertiesChanged) -> None:
        """Push new desired properties to a device that wants them."""
        topic = hub_topics.desired_properties_topic(event.version)
        self._deliver(Subscription.DESIRED_PROPERTIES, topic, event.patch)

    def _ask_to_open(self, name: HubUserName) -> None:
        try:
            device_id = parse_device_id(name.device_id)
        except HomeportError as error:
            return self._outbox.reject(ReturnCode.IDENTIFIER_REJECTED, error.cause)
        self._outbox.ask(
            OpenHubSession(hub_host_name=name.hub_host_name, device_id=device_id, credential=self._credential)
        )

    def _respond(self, request_id: str, outcome: Outcome) -> None:
        """Answer about the twin: the document, the new version with an empty body, or an error with its JSON."""
        if isinstance(outcome, TwinDocument):
            topic, body = hub_topics.twin_response_topic(_OK, request_id), outcome.json
        elif isinstance(outcome, ReportedPropertiesVersion):
            topic, body = hub_topics.twin_response_topic(_NO_CONTENT, request_id, outcome.version), b""
        elif isinstance(outcome, Refusal):
            topic, body = hub_topics.twin_response_topic(outcome.status, request_id), outcome.body
        else:
            return
        self._deliver(Subscription.TWIN_RESPONSES, topic, body)

    def _deliver(self, subscription: Subscription, topic: str, payload: bytes) -> None:
        qos = self._subscriptions.get(subscription)
        if qos is None:
            return
        packet_id = self._outgoing.begin(qos)
        if packet_id is None:
            return self._outbox.close("does not acknowledge what it is sent")
        self._outbox.send(Publish(topic=topic, payload=payload, qos=qos, packet_id=packet_id))

    def _settle(self, packet_id: int) -> None:
        for ready in self._incoming.settle(packet_id):
            self._outbox.send(Puback(ready))


def _question(
    published: HubPublish, packet: Publish, session: HubSession
) -> SendTelemetry | GetTwin | PatchReportedProperties | None:
    """What to ask the hub; None for an answer to a direct method, which nobody waits for yet.

    A tag is the packet identifier and, behind a space, the request ID; telemetry has none.
    """
    if isinstance(published, Telemetry):
        tag = f"{packet.packet_id} "
        return SendTelemetry(session=session, body=packet.payload, properties=published.properties, tag=tag)
    if isinstance(published, TwinGet):
        return GetTwin(session=session, tag=f"{packet.packet_id} {published.request_id}")
    if isinstance(published, TwinPatch):
        tag = f"{packet.packet_id} {published.request_id}"
        return PatchReportedProperties(session=session, patch=packet.payload, tag=tag)
    return None
