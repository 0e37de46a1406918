"""A whole AMQP session against a peer that sends anything at any time.

Nothing may escape `receive`; output stays in proportion to input; after the end there is silence; and every
question is asked in a form that the services can take.
"""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.playbook import Playbook
from tests.properties.amqp import FRAMES, PAYLOADS, STREAMS, split
from tests.unit.protocols.amqp import wire

from homeport.model.attestation import AttestationType, AttestedIdentity, EnrollmentReference, TpmChallenge
from homeport.model.identifiers import RegistrationId, ServiceId, parse_registration_id
from homeport.model.registration import RegistrationOperation, RegistrationOperationStatus, RegistrationStatus
from homeport.protocols.amqp.frames import encode_frame
from homeport.protocols.amqp.session import AmqpSession
from homeport.protocols.conversation import (
    Answered,
    Attest,
    CloseConnection,
    Command,
    ConnectionOpened,
    DataReceived,
    Displaced,
    Done,
    Draining,
    Event,
    Outcome,
    Refusal,
    RequestWakeup,
    SendData,
    WakeupReached,
)

ADDRESS = "0ne1/registrations/dev-1"
PLAIN = wire.SASL + wire.sasl_init("PLAIN", f"\0{ADDRESS}\0token".encode())
REGISTER = wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
OPENINGS = [PLAIN, wire.AMQP, wire.SASL + wire.sasl_init("EXTERNAL", b"")]
SENSIBLE = [
    wire.AMQP,
    wire.opened("c", "h"),
    wire.begun(),
    wire.receiver("r", ADDRESS, wire.api_version(), settle=wire.ubyte(0)),
    wire.sender("s", ADDRESS, wire.api_version()),
    wire.credit(0, 10),
    wire.transfer(REGISTER + wire.data_section(b'{"payload":1}')),
    wire.transfer(REGISTER, delivery_id=1),
    wire.transfer(REGISTER + wire.data_section(b"{"), delivery_id=2),
    wire.disposition(0, settled=wire.FALSE),
    wire.sasl_response(b"\0x"),
]
# What our encoder does not write: it must not come to be repeated.
NOTHINGS = bytes.fromhex("e0020240")
STRANGE = [
    wire.frame(
        wire.described(
            0x12,
            wire.listed(
                wire.text("r"),
                wire.uint(handle),
                role,
                wire.NULL,
                wire.NULL,
                wire.described(0x28, wire.listed(source, *[wire.NULL] * 6, wire.mapped(wire.symbol("f"), NOTHINGS))),
                wire.described(0x29, wire.listed(target)),
                *[wire.NULL] * 6,
                wire.api_version(),
            ),
        )
    )
    for handle, role, source, target in (
        (2, wire.TRUE, wire.text(ADDRESS), NOTHINGS),
        (3, wire.FALSE, NOTHINGS, wire.text(ADDRESS)),
        (3, wire.TRUE, NOTHINGS, NOTHINGS),
    )
] + [
    wire.transfer(wire.message_properties(NOTHINGS) + REGISTER, delivery_id=7),
    wire.transfer(wire.message_properties(b"\x98" + bytes(16)) + REGISTER, delivery_id=8),
    wire.frame(wire.described(0x15, wire.listed(wire.TRUE, wire.uint(0), wire.uint(9), wire.FALSE, NOTHINGS))),
    wire.frame(
        wire.described(
            0x15, wire.listed(wire.TRUE, wire.uint(0), wire.uint(9), wire.FALSE, wire.described(0x99, NOTHINGS))
        )
    ),
]
READY = [wire.AMQP + wire.opened("c", "h") + wire.begun(), b"".join(SENSIBLE[3:6])]
OUTCOMES: list[Outcome] = [
    AttestedIdentity(
        service_id=ServiceId(1),
        registration_id=RegistrationId("dev-1"),
        attestation_type=AttestationType.SYMMETRIC_KEY,
        enrollment=EnrollmentReference(),
    ),
    RegistrationOperation(
        body=RegistrationOperationStatus(operation_id="5.1", status=RegistrationStatus.ASSIGNING), retry_after=3
    ),
    Refusal(status=401, code=401002, body=b"{}"),
    Refusal(status=503, code=503001, body=b"{}", retry_after=5),
    TpmChallenge(authentication_key=bytes(788)),
    Done(),
]
EVENTS: list[Event] = [ConnectionOpened(), WakeupReached(), Displaced(), Draining()]
# Per frame at most a confirmed link with its credit, or a reply with its disposition.
MOST_PER_BYTE, MOST_PER_EVENT = 24, 2048

steps = st.one_of(
    st.sampled_from(SENSIBLE),
    st.sampled_from(SENSIBLE),
    st.sampled_from(STRANGE),
    FRAMES.map(encode_frame),
    PAYLOADS.map(wire.transfer),
    STREAMS.map(b"".join),
    st.sampled_from(OUTCOMES),
    st.sampled_from(OUTCOMES),
    st.sampled_from(EVENTS),
)


def play(playbook: Playbook, step: "bytes | Outcome | Event") -> list[Command]:
    if isinstance(step, bytes):
        return playbook.play(DataReceived(step))
    if isinstance(step, Outcome):
        return playbook.play(Answered(playbook.questions.pop(0), step)) if playbook.questions else []
    return playbook.play(step)


def check(commands: list[Command], *, received: int) -> None:
    sent = sum(len(command.data) for command in commands if isinstance(command, SendData))
    assert sent <= MOST_PER_BYTE * received + MOST_PER_EVENT
    assert sum(isinstance(command, SendData) for command in commands) <= 1
    assert sum(isinstance(command, RequestWakeup) for command in commands) <= 1
    assert not any(isinstance(command, CloseConnection) for command in commands[:-1])
    for command in commands:
        if isinstance(command, Attest):
            assert parse_registration_id(command.registration_id) == command.registration_id


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(OPENINGS), st.booleans(), st.integers(0, 2), st.lists(steps, max_size=25))
def test_any_story_is_survived(
    opening: bytes, certificate: bool, ready: int, story: "list[bytes | Outcome | Event]"
) -> None:
    playbook = Playbook(AmqpSession(connect_timeout=10, certificate_chain=(b"leaf",) if certificate else ()))
    ended, received = False, 0
    for step in [ConnectionOpened(), opening, OUTCOMES[0], *READY[:ready], *story]:
        received += len(step) if isinstance(step, bytes) else 0
        commands = play(playbook, step)
        assert not (ended and commands)
        check(commands, received=received)
        ended = ended or any(isinstance(command, CloseConnection) for command in commands)


@settings(max_examples=200, deadline=None)
@given(STREAMS, st.booleans())
def test_any_first_bytes_are_survived(stream: list[bytes], certificate: bool) -> None:
    session = AmqpSession(connect_timeout=10, certificate_chain=(b"leaf",) if certificate else ())
    received = 0
    for piece in stream:
        received += len(piece)
        check(session.receive(DataReceived(piece)), received=received)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_session_however_its_bytes_are_split(data: st.DataObject) -> None:
    def story(pieces: list[bytes]) -> bytes:
        playbook = Playbook(AmqpSession(connect_timeout=10))
        commands = [*playbook.play(DataReceived(PLAIN))]
        commands += playbook.play(Answered(playbook.questions.pop(0), OUTCOMES[0]))
        for piece in pieces:
            commands += playbook.play(DataReceived(piece))
        commands += playbook.play(Answered(playbook.questions.pop(0), OUTCOMES[1]))
        return b"".join(command.data for command in commands if isinstance(command, SendData))

    whole = b"".join([*READY, SENSIBLE[6]])
    assert story(data.draw(split(whole))) == story([whole])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(["PLAIN", "TPM"]), st.lists(st.binary(max_size=40), max_size=4))
def test_any_sasl_is_judged(response: bytes, mechanism: str, more: list[bytes]) -> None:
    playbook = Playbook(AmqpSession(connect_timeout=10))
    check(playbook.play(DataReceived(wire.SASL + wire.sasl_init(mechanism, response))), received=200)
    for each in more:
        check(play(playbook, OUTCOMES[4]), received=200)
        check(playbook.play(DataReceived(wire.sasl_response(each))), received=200)
