"""The edge on ephemeral loopback ports, with small services of the tests' own behind it.

`run` starts it, hands it to a coroutine, drains it, and then insists that nothing was left behind: no open
connection, no task, and not one word to the event loop's exception handler.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.routing import BaseRoute
from tests.throttles import throttle

from homeport import errors
from homeport.clock import SystemClock, SystemRandomness
from homeport.endpoints import tasks
from homeport.endpoints.listeners import Conversations, EdgeLimits, Listeners, build_listeners
from homeport.endpoints.listening_sockets import Ports, bind
from homeport.endpoints.ports import EdgeServices, HubListener
from homeport.endpoints.streams import ConversationFactory
from homeport.endpoints.tls_context import KeyPair, server_context
from homeport.errors import HomeportError
from homeport.model.attestation import (
    AttestationType,
    AttestedIdentity,
    EnrollmentReference,
    PresentedCredential,
    Proof,
)
from homeport.model.events import AttestationAttempted, ServiceEvent
from homeport.model.identifiers import OperationId, RegistrationId, ServiceId
from homeport.model.registration import (
    DeviceRegistrationResult,
    RegistrationOperation,
    RegistrationOperationStatus,
    RegistrationStatus,
)
from homeport.protocols.conversation import (
    Command,
    Conversation,
    Done,
    Event,
    HubQuestion,
    HubSession,
    OpenHubSession,
    Outcome,
)

HOST = "127.0.0.1"
OPERATION_ID = OperationId("5.0123456789abcdef.11111111-2222-3333-4444-555555555555")
EVENTS = (AttestationAttempted(service_id=None, succeeded=True),)


# --- certificates ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """A certificate file (leaf first, then what issued it) and its key file."""

    certificate: Path
    key: Path
    chain: tuple[bytes, ...]


@dataclass(frozen=True)
class Issuer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_certificate(name: str, issuer: Issuer | None = None) -> Issuer:
    """A certificate for 127.0.0.1, signed by the issuer or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    return Issuer(certificate, key)


def write_identity(directory: Path, name: str, *, issuers: Sequence[Issuer] = ()) -> Identity:
    """A fresh identity signed by the first issuer; the file holds it and all issuers."""
    leaf = make_certificate(name, issuers[0] if issuers else None)
    certificates = [leaf.certificate, *(issuer.certificate for issuer in issuers)]
    pem, key = directory / f"{name}.pem", directory / f"{name}.key"
    pem.write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates))
    key.write_bytes(
        leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    chain = tuple(each.public_bytes(serialization.Encoding.DER) for each in certificates)
    return Identity(pem, key, chain)


# --- services -------------------------------------------------------------------------------------------------


@dataclass
class Registrations:
    """Answers as it is told, and remembers what it was asked. `gate` holds every answer until it is set."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    refusal: Exception | None = None
    retry_after: int | None = 3
    gate: asyncio.Event | None = None

    async def attest(
        self, *, id_scope: str, registration_id: RegistrationId, credential: PresentedCredential
    ) -> tuple[AttestedIdentity, Sequence[ServiceEvent]]:
        await self._note("attest", id_scope=id_scope, registration_id=registration_id, proof=credential)
        identity = AttestedIdentity(
            service_id=ServiceId(1),
            registration_id=registration_id,
            attestation_type=AttestationType.SYMMETRIC_KEY,
            enrollment=EnrollmentReference(),
        )
        return identity, EVENTS

    async def register(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof, payload: bytes | None
    ) -> tuple[RegistrationOperation, Sequence[ServiceEvent]]:
        await self._note("register", id_scope=id_scope, registration_id=registration_id, proof=proof, payload=payload)
        body = RegistrationOperationStatus(operation_id=OPERATION_ID, status=RegistrationStatus.ASSIGNING)
        return RegistrationOperation(body=body, retry_after=self.retry_after), EVENTS

    async def operation_status(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof, operation_id: OperationId
    ) -> tuple[RegistrationOperation, Sequence[ServiceEvent]]:
        await self._note(
            "operation_status",
            id_scope=id_scope,
            registration_id=registration_id,
            proof=proof,
            operation_id=operation_id,
        )
        body = RegistrationOperationStatus(operation_id=operation_id, status=RegistrationStatus.ASSIGNED)
        return RegistrationOperation(body=body, retry_after=self.retry_after), EVENTS

    async def registration_status(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof
    ) -> tuple[RegistrationOperation, Sequence[ServiceEvent]]:
        await self._note("registration_status", id_scope=id_scope, registration_id=registration_id, proof=proof)
        result = DeviceRegistrationResult(registration_id=registration_id, status=RegistrationStatus.ASSIGNED)
        return RegistrationOperation(body=result), EVENTS

    async def _note(self, operation: str, **details: object) -> None:
        self.calls.append({"operation": operation, **details})
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal


@dataclass
class Hubs:
    """Lets every device in, and does what it is asked."""

    questions: list[HubQuestion] = field(default_factory=list)
    attached: list[tuple[HubSession, HubListener]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def answer(self, question: HubQuestion) -> Outcome:
        self.questions.append(question)
        if self.gate is not None:
            await self.gate.wait()
        if not isinstance(question, OpenHubSession):
            return Done()
        if question.device_id == "stranger":
            raise HomeportError(errors.UNAUTHORIZED)
        return HubSession(hub_host_name=question.hub_host_name, device_id=question.device_id, expires_in=None)

    def attach(self, session: HubSession, listener: HubListener) -> None:
        self.attached.append((session, listener))

    def detach(self, session: HubSession, listener: HubListener) -> None:
        self.attached.remove((session, listener))


class Failures:
    """Keeps why devices were refused, with the ID scope and the registration ID."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, HomeportError]] = []

    def note(self, error: HomeportError, *, id_scope: str, registration_id: str, **_: str) -> None:
        self.noted.append((id_scope, registration_id, error))


@dataclass
class Reporter:
    """Remembers what it was told."""

    events: list[ServiceEvent] = field(default_factory=list)
    refusals: list[HomeportError] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    outages: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    failed_handshakes: list[str] = field(default_factory=list)
    failed_networks: list[str] = field(default_factory=list)
    served: list[tuple[str, int]] = field(default_factory=list)
    put_off: int = 0

    def report(self, events: Iterable[ServiceEvent], *, transport: str, correlation_id: str) -> None:
        self.events.extend(events)

    def refused(self, error: HomeportError, *, operation: str, transport: str, correlation_id: str) -> None:
        self.refusals.append(error)

    def crashed(self, error: BaseException, *, operation: str, transport: str, correlation_id: str) -> None:
        self.crashes.append(error)

    def storage_failed(self, reason: str) -> None:
        self.outages.append(reason)

    def connection_opened(self, transport: str) -> None:
        self.opened.append(transport)

    def connection_closed(self, transport: str, reason: str) -> None:
        self.closed.append((transport, reason))

    def handshake_failed(self, reason: str, *, detail: str, network: str) -> None:
        self.failed_handshakes.append(reason)
        self.failed_networks.append(network)

    def handshake_put_off(self) -> None:
        self.put_off += 1

    def loop_lagged(self, seconds: float) -> None:
        pass

    def connections_waiting(self, number: int) -> None:
        pass

    def request_served(self, *, operation: str, status: int, seconds: float, transport: str) -> None:
        self.served.append((operation, status))

    def metrics_page(self) -> bytes:
        return b"homeport_up 1\n"


class Silent:
    """A conversation that has nothing to say."""

    def receive(self, event: Event) -> list[Command]:
        return []


# --- the edge -------------------------------------------------------------------------------------------------


@dataclass
class Edge:
    """A running edge, and its clients."""

    listeners: Listeners
    registrations: Registrations
    hubs: Hubs
    reporter: Reporter
    server: Identity

    @property
    def port(self) -> int:
        return self.listeners.ports["https"]

    async def connect(
        self, name: str = "https", *, client: Identity | None = None, version: ssl.TLSVersion | None = None
    ) -> "Client":
        """A TLS connection to a listener, with a client certificate or without."""
        context = ssl.create_default_context(cafile=str(self.server.certificate))
        # The certificates of these tests say no more than they must.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        port = self.listeners.ports[name]
        return Client(*await asyncio.open_connection(HOST, port, ssl=context, server_hostname=HOST))

    async def connect_plain(self, name: str = "https") -> "Client":
        """A bare TCP connection to a listener."""
        return Client(*await asyncio.open_connection(HOST, self.listeners.ports[name]))

    async def settled(self, condition: Callable[[], bool]) -> None:
        """Wait until the server has come to a state that no answer tells of."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 (the server has no event for the test's sake)
                await asyncio.sleep(0.005)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return msgspec.json.decode(self.body, type=dict[str, object])


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read_answer(self, *, head_only: bool = False) -> Answer:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status_line, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            size = 0 if head_only else int(headers.get("content-length", "0"))
            body = await self.reader.readexactly(size)
        return Answer(int(status_line.split()[1]), headers, body)

    async def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        await self.send(request(method, target, body, **headers))
        return await self.read_answer(head_only=method == "HEAD")

    async def read_to_end(self) -> bytes:
        """All that the server still sends; an abrupt end is an end too."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except (ConnectionError, ssl.SSLError):
                return b""

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


def request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """A request's bytes; `content_type="…"` becomes Content-Type. An empty value leaves a default out."""
    fields = {"Host": f"{HOST}:443", "Content-Length": str(len(body)) if body else ""}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


def run(
    server: Identity,
    scenario: Callable[[Edge], Awaitable[None]],
    *,
    routes: Sequence[BaseRoute] = (),
    conversation: Callable[[tuple[bytes, ...]], Conversation] | None = None,
    limits: EdgeLimits | None = None,
    runner: Callable[[Coroutine[Any, Any, None]], None] = uvloop.run,
) -> None:
    """Play a scenario against a running edge, on the event loop of production unless another is asked for."""
    make: ConversationFactory = conversation or (lambda chain: Silent())
    runner(_play(server, scenario, routes, make, limits or EdgeLimits()))


async def _play(
    server: Identity,
    scenario: Callable[[Edge], Awaitable[None]],
    routes: Sequence[BaseRoute],
    conversation: ConversationFactory,
    limits: EdgeLimits,
) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    registrations, hubs, reporter = Registrations(), Hubs(), Reporter()
    context = server_context([KeyPair(server.certificate, server.key)])
    services = EdgeServices(
        registrations=registrations,
        hubs=hubs,
        failures=Failures(),
        reporter=reporter,
        throttle=throttle(),
        clock=SystemClock(),
        randomness=SystemRandomness(),
    )
    listeners = build_listeners(
        services,
        routes,
        tls_context=lambda: context,
        conversations=Conversations(mqtt=conversation, amqp=conversation),
        limits=limits,
    )
    await listeners.start(bind([HOST], Ports(https=0, mqtt=0, amqp=0, plain_http=0)))
    try:
        await scenario(Edge(listeners, registrations, hubs, reporter, server))
    finally:
        await listeners.drain(2.0)
    await asyncio.sleep(0.01)
    assert complaints == []
    assert tasks.running() == frozenset()
    assert listeners.open_connections == 0
