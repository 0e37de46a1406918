"""The shared vocabulary between a connection's protocol and the pump that serves it.

A protocol object has one method, `receive(event) -> list[Command]`: it takes what happened and says what to
do, never waits, knows no socket, clock or store. `endpoints/streams.py` is the only pump: it sends the data,
arms the wake-up, puts the questions to the services and comes back with `Answered`. An answer carries its
question, so that several may be under way on one connection.
"""

import enum
from typing import Protocol as Interface

import msgspec

from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential, Proof, TpmChallenge
from homeport.model.identifiers import OperationId, RegistrationId
from homeport.model.registration import RegistrationOperation


class Transport(enum.StrEnum):
    """How a device speaks to us; a label of metrics and log lines, never a reason to decide differently."""

    HTTPS = "https"
    MQTT = "mqtt"
    MQTT_WS = "mqtt-ws"
    AMQP = "amqp"
    AMQP_WS = "amqp-ws"


# --- what happened --------------------------------------------------------------------------------------------


class ConnectionOpened(msgspec.Struct, frozen=True):
    """The connection stands (with TLS: the handshake is over). Always the first event, so that a limit can be set."""


class DataReceived(msgspec.Struct, frozen=True):
    """Bytes from the peer, in order, split anywhere."""

    data: bytes


class ConnectionClosed(msgspec.Struct, frozen=True):
    """The peer is gone; nothing can be sent any more."""


class WakeupReached(msgspec.Struct, frozen=True):
    """The time of the last `RequestWakeup` has come."""


class Answered(msgspec.Struct, frozen=True):
    """A question's answer; a `Refusal` if it met an error."""

    question: "Question | HubQuestion"
    outcome: "Outcome"


class DesiredPropertiesChanged(msgspec.Struct, frozen=True):
    """The hub has new desired properties for the device of this connection; `patch` is JSON with `$version`."""

    patch: bytes
    version: int


class Displaced(msgspec.Struct, frozen=True):
    """The device has connected to its hub a second time, or was removed; this connection must end."""


class Draining(msgspec.Struct, frozen=True):
    """The server is stopping: answer what was taken, take nothing new, close."""


Event = (
    ConnectionOpened
    | DataReceived
    | ConnectionClosed
    | WakeupReached
    | Answered
    | DesiredPropertiesChanged
    | Displaced
    | Draining
)


# --- what to do -----------------------------------------------------------------------------------------------


class SendData(msgspec.Struct, frozen=True):
    """Send these bytes."""

    data: bytes


class CloseConnection(msgspec.Struct, frozen=True):
    """Send what is pending, then close. `reason` is for the log."""

    reason: str


class RequestWakeup(msgspec.Struct, frozen=True):
    """Come back after so many seconds with `WakeupReached`; replaces an earlier request. None cancels it."""

    seconds: float | None


class Attest(msgspec.Struct, frozen=True, kw_only=True):
    """Does this credential prove that registration ID? Outcome: AttestedIdentity, or TpmChallenge for a TPM's
    public keys that come without the token that they can sign only after the challenge."""

    id_scope: str
    registration_id: RegistrationId
    credential: PresentedCredential


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """Register the device. Outcome: RegistrationOperation with status `assigning`.

    `payload` is the device's own JSON, unparsed. `tag` is the protocol's (request ID), returned with the answer.
    """

    id_scope: str
    registration_id: RegistrationId
    proof: Proof
    payload: bytes | None = None
    tag: str = ""


class GetOperationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far is that operation? Outcome: RegistrationOperation."""

    id_scope: str
    registration_id: RegistrationId
    proof: Proof
    operation_id: OperationId
    tag: str = ""


class GetRegistrationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What was the last result? Outcome: RegistrationOperation whose body is the result."""

    id_scope: str
    registration_id: RegistrationId
    proof: Proof
    tag: str = ""


class OpenHubSession(msgspec.Struct, frozen=True, kw_only=True):
    """A device connects to its hub. Outcome: HubSession."""

    hub_host_name: str
    device_id: str
    credential: PresentedCredential


class HubSession(msgspec.Struct, frozen=True, kw_only=True):
    """A device that its hub has let in; `expires_in` is how long the credential is good for, in seconds."""

    hub_host_name: str
    device_id: str
    expires_in: float | None


class SendTelemetry(msgspec.Struct, frozen=True, kw_only=True):
    """A device-to-cloud message. `properties` are the decoded pairs of the topic. Outcome: Done."""

    session: HubSession
    body: bytes
    properties: tuple[tuple[str, str], ...]
    tag: str = ""


class GetTwin(msgspec.Struct, frozen=True, kw_only=True):
    """The device's twin. Outcome: TwinDocument."""

    session: HubSession
    tag: str = ""


class PatchReportedProperties(msgspec.Struct, frozen=True, kw_only=True):
    """Merge reported properties; `patch` is unparsed JSON. Outcome: ReportedPropertiesVersion."""

    session: HubSession
    patch: bytes
    tag: str = ""


class Done(msgspec.Struct, frozen=True):
    """It is done and durable where it has to be."""


class TwinDocument(msgspec.Struct, frozen=True):
    """`{"desired": {…, "$version": n}, "reported": {…, "$version": m}}` as JSON bytes."""

    json: bytes


class ReportedPropertiesVersion(msgspec.Struct, frozen=True):
    """The version of the reported properties after a patch."""

    version: int


class Refuse(msgspec.Struct, frozen=True):
    """The protocol itself found an error in what the device asked. Outcome: Refusal.

    A question like any other, because only the pump has the clock and the tracking ID that an error body needs.
    """

    error: HomeportError
    tag: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogued error, rendered by the pump (`wire/error_body.py`); may be the outcome of any question.

    `status` is the HTTP status, `code` the catalogue's, `body` the JSON, `retry_after` seconds or None.
    """

    status: int
    code: int
    body: bytes
    retry_after: int | None = None


Question = Attest | Register | GetOperationStatus | GetRegistrationStatus | Refuse
HubQuestion = OpenHubSession | SendTelemetry | GetTwin | PatchReportedProperties
Command = SendData | CloseConnection | RequestWakeup | Question | HubQuestion
Outcome = (
    AttestedIdentity
    | TpmChallenge
    | RegistrationOperation
    | HubSession
    | Done
    | TwinDocument
    | ReportedPropertiesVersion
    | Refusal
)


class Conversation(Interface):
    """One connection's protocol: an event in, commands out.

    Back-pressure is the pump's: it stops reading while many questions of the connection are open. A protocol
    leaves what it has already been given in its own bounded buffer meanwhile.
    """

    def receive(self, event: Event) -> list[Command]:
        """Take one event and return what to do, in order."""
        ...
