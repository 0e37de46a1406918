"""The pump with small conversations of the test's own: order, wake-ups, pushes, back-pressure and faults."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from tests.unit.endpoints.edge import Edge, Identity, run

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential
from homeport.model.identifiers import RegistrationId
from homeport.model.registration import RegistrationOperation
from homeport.protocols.conversation import (
    Answered,
    Attest,
    CloseConnection,
    Command,
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    DesiredPropertiesChanged,
    Displaced,
    Done,
    Draining,
    Event,
    GetRegistrationStatus,
    HubSession,
    OpenHubSession,
    Refusal,
    Refuse,
    Register,
    RequestWakeup,
    SendData,
    SendTelemetry,
    WakeupReached,
)

DEVICE = RegistrationId("dev-1")
CREDENTIAL = PresentedCredential(sas_token="token")
SESSION = HubSession(hub_host_name="hub", device_id="dev-1", expires_in=None)
CRASH = ZeroDivisionError("conversation")

QUESTIONS: dict[str, Callable[[], Command]] = {
    "attest": lambda: Attest(id_scope="0ne1", registration_id=DEVICE, credential=CREDENTIAL),
    "register": lambda: Register(id_scope="0ne1", registration_id=DEVICE, proof=CREDENTIAL, payload=b"{}"),
    "look-up": lambda: GetRegistrationStatus(id_scope="0ne1", registration_id=DEVICE, proof=CREDENTIAL),
    "refuse": lambda: Refuse(HomeportError(errors.INVALID_REQUEST, "nonsense")),
    "hub": lambda: OpenHubSession(hub_host_name="hub", device_id="dev-1", credential=CREDENTIAL),
    "stranger": lambda: OpenHubSession(hub_host_name="hub", device_id="stranger", credential=CREDENTIAL),
    "telemetry": lambda: SendTelemetry(session=SESSION, body=b"1", properties=()),
    "soon": lambda: RequestWakeup(0.01),
    "later": lambda: RequestWakeup(60.0),
    "never": lambda: RequestWakeup(None),
    "close": lambda: CloseConnection("asked to"),
}


class Lines:
    """A line is a command's name; each event is told as a line, and kept."""

    def __init__(self, chain: tuple[bytes, ...] = ()) -> None:
        self.events: list[Event] = []
        self._buffer = b""

    def receive(self, event: Event) -> list[Command]:
        self.events.append(event)
        match event:
            case ConnectionOpened() | ConnectionClosed():
                return []
            case DataReceived(data=data):
                *lines, self._buffer = (self._buffer + data).split(b"\n")
                return [self._command(line.decode()) for line in lines]
            case Answered(outcome=outcome):
                return [self._say(type(outcome).__name__)]
            case Draining():
                return [self._say("Draining"), CloseConnection("drained")]
        return [self._say(type(event).__name__)]

    def _command(self, line: str) -> Command:
        if line == "crash":
            raise CRASH
        return QUESTIONS[line]()

    def _say(self, text: str) -> Command:
        return SendData(f"{text}\n".encode())


@pytest.fixture
def lines() -> Lines:
    return Lines()


async def talk(edge: Edge, *commands: str) -> list[str]:
    """Send the commands, close, and return all that was said."""
    client = await edge.connect("mqtt")
    await client.send("".join(f"{command}\n" for command in commands).encode())
    said = (await client.read_to_end()).decode().split()
    await client.close()
    return said


async def read_line(reader: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(reader.readline(), 10)).decode().strip()


def test_questions_are_answered_in_order(server: Identity, lines: Lines) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await client.send(b"attest\nregister\nlook-up\ntelemetry\nstranger\n")
        said = [await read_line(client.reader) for _ in range(5)]
        assert said == ["AttestedIdentity", "RegistrationOperation", "RegistrationOperation", "Done", "Refusal"]
        assert edge.registrations.calls[1]["payload"] == b"{}"
        assert edge.reporter.served == [
            ("Attest", 200),
            ("Register", 202),
            ("GetRegistrationStatus", 200),
            ("SendTelemetry", 200),
            ("OpenHubSession", 401),
        ]
        assert len(edge.reporter.events) == 3
        await client.close()
        await edge.settled(lambda: isinstance(lines.events[-1], ConnectionClosed))

    run(server, scenario, conversation=lambda chain: lines)
    answers = [event for event in lines.events if isinstance(event, Answered)]
    assert [type(answer.outcome) for answer in answers] == [
        AttestedIdentity,
        RegistrationOperation,
        RegistrationOperation,
        Done,
        Refusal,
    ]
    assert isinstance(answers[0].question, Attest)


def test_refusal_carries_the_error_body(server: Identity, lines: Lines) -> None:
    async def scenario(edge: Edge) -> None:
        edge.registrations.refusal = HomeportError(errors.THROTTLED, retry_after=7)
        client = await edge.connect("mqtt")
        await client.send(b"refuse\nregister\n")
        assert [await read_line(client.reader) for _ in range(2)] == ["Refusal", "Refusal"]
        await client.close()
        assert [error.row for error in edge.reporter.refusals] == [errors.INVALID_REQUEST, errors.THROTTLED]

    run(server, scenario, conversation=lambda chain: lines)
    own, services = [event.outcome for event in lines.events if isinstance(event, Answered)]
    assert isinstance(own, Refusal)
    assert isinstance(services, Refusal)
    assert (own.status, own.code, own.retry_after) == (400, 400004, None)
    assert (services.status, services.code, services.retry_after) == (429, 429001, 7)
    assert msgspec.json.decode(own.body)["message"].endswith("nonsense")


def test_unexpected_failure_is_an_internal_error(server: Identity, lines: Lines) -> None:
    async def scenario(edge: Edge) -> None:
        edge.registrations.refusal = RuntimeError("secret")
        client = await edge.connect("mqtt")
        await client.send(b"register\n")
        assert await read_line(client.reader) == "Refusal"
        assert edge.reporter.crashes == [edge.registrations.refusal]
        await client.close()

    run(server, scenario, conversation=lambda chain: lines)
    [outcome] = [event.outcome for event in lines.events if isinstance(event, Answered)]
    assert isinstance(outcome, Refusal)
    assert outcome.code == 500001
    assert b"secret" not in outcome.body


def test_crash_of_the_conversation_ends_its_connection_only(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        other = await edge.connect("mqtt")
        assert await talk(edge, "crash") == []
        assert edge.reporter.crashes == [CRASH]
        await other.send(b"telemetry\n")
        assert await read_line(other.reader) == "Done"
        await other.close()

    run(server, scenario, conversation=Lines)


def test_close_comes_after_what_was_said(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        assert await talk(edge, "refuse", "close") == ["Refusal"]
        await edge.settled(lambda: edge.reporter.closed == [("mqtt", "asked to")])

    run(server, scenario, conversation=Lines)


@pytest.mark.parametrize(
    ("commands", "woken"),
    [
        (["soon"], True),
        (["later", "soon"], True),
        (["soon", "soon"], True),
        (["soon", "later"], False),
        (["soon", "never"], False),
        (["never"], False),
    ],
)
def test_last_wakeup_counts(server: Identity, lines: Lines, commands: list[str], woken: bool) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await client.send("".join(f"{command}\n" for command in commands).encode())
        await asyncio.sleep(0.05)
        await client.send(b"refuse\n")
        if woken:
            assert await read_line(client.reader) == "WakeupReached"
        assert await read_line(client.reader) == "Refusal"
        await client.close()

    run(server, scenario, conversation=lambda chain: lines)
    assert sum(isinstance(event, WakeupReached) for event in lines.events) == woken


def test_hub_pushes_to_its_session_until_it_ends(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await client.send(b"hub\n")
        assert await read_line(client.reader) == "HubSession"
        [(session, listener)] = edge.hubs.attached
        assert session == SESSION
        listener(DesiredPropertiesChanged(b"{}", 2))
        assert await read_line(client.reader) == "DesiredPropertiesChanged"
        listener(Displaced())
        assert await read_line(client.reader) == "Displaced"
        await client.close()
        await edge.settled(lambda: edge.hubs.attached == [])
        listener(Displaced())  # too late is no harm

    run(server, scenario, conversation=Lines)


def test_session_that_opens_too_late_is_not_attached(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        edge.hubs.gate = asyncio.Event()
        client = await edge.connect("mqtt")
        await client.send(b"hub\n")
        await edge.settled(lambda: bool(edge.hubs.questions))
        await client.close()
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        edge.hubs.gate.set()
        await asyncio.sleep(0.01)
        assert edge.hubs.attached == []

    run(server, scenario, conversation=Lines)


def test_peer_that_asks_faster_than_it_is_answered_is_held_back(server: Identity, lines: Lines) -> None:
    async def scenario(edge: Edge) -> None:
        edge.hubs.gate = asyncio.Event()
        client = await edge.connect("mqtt")
        client.writer.write(b"telemetry\n" * 100_000)
        await edge.settled(lambda: len(lines.events) >= 2)
        await asyncio.sleep(0.1)
        read = sum(len(event.data) for event in lines.events if isinstance(event, DataReceived))
        assert read < 100_000
        edge.hubs.gate.set()
        for _ in range(500):
            assert await read_line(client.reader) == "Done"
        client.writer.transport.abort()

    run(server, scenario, conversation=lambda chain: lines)


def test_peer_that_never_reads_what_the_hub_pushes_is_cut_off(server: Identity) -> None:
    class Pushed(Lines):
        def receive(self, event: Event) -> list[Command]:
            if isinstance(event, DesiredPropertiesChanged):
                return [SendData(event.patch)]
            return super().receive(event)

    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await client.send(b"hub\n")
        assert await read_line(client.reader) == "HubSession"
        client.writer.transport.pause_reading()
        [(_, listener)] = edge.hubs.attached
        for _ in range(1_000):
            listener(DesiredPropertiesChanged(b"x" * 32_768, 2))
        await edge.settled(lambda: edge.listeners.open_connections == 0)
        assert edge.reporter.closed == [("mqtt", "aborted")]
        client.writer.transport.abort()

    run(server, scenario, conversation=Pushed)


def test_drain_lets_the_conversation_end(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect("mqtt")
        await client.send(b"refuse\n")
        assert await read_line(client.reader) == "Refusal"
        draining = asyncio.ensure_future(edge.listeners.drain(10))
        assert await client.read_to_end() == b"Draining\n"
        await client.close()
        await draining
        assert edge.reporter.closed == [("mqtt", "drained")]

    run(server, scenario, conversation=Lines)


def test_winding_down_ends_a_hubs_session_and_lets_others_finish(server: Identity) -> None:
    async def scenario(edge: Edge) -> None:
        at_hub, registering = await edge.connect("mqtt"), await edge.connect("mqtt")
        await at_hub.send(b"hub\n")
        assert await read_line(at_hub.reader) == "HubSession"
        await registering.send(b"register\n")
        assert await read_line(registering.reader) == "RegistrationOperation"
        winding_down = asyncio.ensure_future(edge.listeners.wind_down(60))
        assert await at_hub.read_to_end() == b"Draining\n"
        await at_hub.close()
        await registering.send(b"look-up\n")
        assert await read_line(registering.reader) == "RegistrationOperation"
        assert not winding_down.done()
        await registering.close()
        await winding_down

    run(server, scenario, conversation=Lines)
