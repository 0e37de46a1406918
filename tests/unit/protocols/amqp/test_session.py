"""One connection: headers, SASL, open and close, liveness, draining, and the ends of those who break the rules."""

import pytest
from tests.playbook import Playbook
from tests.unit.protocols.amqp import wire
from tests.unit.protocols.amqp.device import (
    ADDRESS,
    ASSIGNING,
    ATTEST_CERTIFICATE,
    ATTEST_TOKEN,
    CHAIN,
    CONNECT_TIMEOUT,
    IDENTITY,
    OFFER,
    PLAIN,
    UNAUTHORIZED,
    UNAVAILABLE,
    connected,
    in_session,
    linked,
    proved,
    read_all,
    register,
    sends,
    sent_to,
)

from homeport.protocols.amqp.frames import HEARTBEAT
from homeport.protocols.amqp.performatives import Close, Disposition, End, Error, Open, Transfer
from homeport.protocols.amqp.session import MAX_BACKLOG_BEFORE_PROOF, MAX_FRAME_SIZE, AmqpSession
from homeport.protocols.amqp.types import Symbol, Uint, Ushort
from homeport.protocols.conversation import (
    Answered,
    CloseConnection,
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    Displaced,
    Draining,
    RequestWakeup,
    SendData,
    WakeupReached,
)

OPEN = Open(
    container_id="homeport", max_frame_size=Uint(MAX_FRAME_SIZE), channel_max=Ushort(0), idle_time_out=Uint(200_000)
)
HEADER = SendData(wire.AMQP)


def closes(condition: str, reason: str) -> tuple[SendData, CloseConnection]:
    return sends(Close(Error(Symbol(condition), reason))), CloseConnection(reason)


def condition_after(playbook: Playbook, data: bytes) -> str:
    """The condition with which the connection ends."""
    commands = playbook.play(DataReceived(data))
    assert isinstance(commands[-1], CloseConnection)
    last = read_all(commands)[-1].performative
    assert isinstance(last, Close)
    assert last.error is not None
    assert (last.error.description, playbook.play(DataReceived(b"more"))) == (commands[-1].reason, [])
    return last.error.condition


def opening(*, max_frame_size: int = 65536, idle_time_out: bytes = wire.NULL) -> bytes:
    fields = [wire.text("c"), wire.NULL, wire.uint(max_frame_size), wire.ushort(0), idle_time_out]
    return wire.frame(wire.described(0x10, wire.listed(*fields)))


# --- headers ------------------------------------------------------------------------------------------------------


def test_whoever_has_a_certificate_may_leave_sasl_out() -> None:
    playbook = connected(certificate_chain=CHAIN).receives(wire.AMQP, HEADER)
    playbook.receives(opening(), sends(OPEN), RequestWakeup(CONNECT_TIMEOUT))


def test_a_header_byte_by_byte() -> None:
    playbook = connected()
    for byte in wire.SASL[:-1]:
        playbook.receives(bytes([byte]))
    playbook.receives(wire.SASL[-1:], SendData(OFFER))


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"AMQP\x00\x00\x09\x01", b"AMQP\x02\x01\x00\x00", b"\x10\x00\x00\x00\x00"]
)
def test_who_speaks_something_else_is_told_what_is_spoken(data: bytes) -> None:
    connected().receives(data, SendData(wire.SASL), CloseConnection("a header of another protocol"))


def test_sasl_is_spoken_once() -> None:
    proved().receives(wire.SASL, HEADER, CloseConnection("a header of another protocol"))


def test_neither_sasl_nor_a_certificate() -> None:
    playbook = connected().receives(wire.AMQP, HEADER)
    error = Error(Symbol("amqp:unauthorized-access"), "neither SASL nor a client certificate")
    playbook.receives(opening(), sends(OPEN, Close(error)), CloseConnection("neither SASL nor a client certificate"))


# --- SASL ---------------------------------------------------------------------------------------------------------


def asking() -> Playbook:
    return connected().receives(wire.SASL + wire.sasl_init("PLAIN", PLAIN), SendData(OFFER), ATTEST_TOKEN)


def test_kind_is_known_with_the_first_link() -> None:
    session = AmqpSession(connect_timeout=1)
    assert session.kind == ""
    assert proved().conversation.kind == ""  # type: ignore[attr-defined]
    assert linked().conversation.kind == "dps"  # type: ignore[attr-defined]


def test_a_token_that_does_not_hold() -> None:
    asking().is_answered(UNAUTHORIZED, SendData(wire.sasl_outcome(0)), RequestWakeup(5.0))


def test_a_token_that_cannot_be_judged() -> None:
    asking().is_answered(UNAVAILABLE, SendData(wire.sasl_outcome(4)), CloseConnection("the service could not attest"))


def test_what_comes_before_the_outcome_waits() -> None:
    playbook = asking().receives(wire.AMQP)
    playbook.is_answered(IDENTITY, SendData(wire.sasl_outcome(0) + wire.AMQP), RequestWakeup(200))


def test_what_comes_before_the_outcome_has_its_limit() -> None:
    playbook = asking()
    playbook.receives(bytes(MAX_BACKLOG_BEFORE_PROOF))
    playbook.receives(b"\0", CloseConnection("sends faster than it is answered"))


def test_what_comes_while_a_certificate_is_judged_has_the_same_limit() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    playbook.receives(bytes(MAX_BACKLOG_BEFORE_PROOF))
    assert condition_after(playbook, b"\0") == "amqp:resource-limit-exceeded"


def test_a_long_frame_of_sasl() -> None:
    playbook = connected().receives(wire.SASL, SendData(OFFER))
    playbook.receives(
        bytes.fromhex("0000200102010000"), CloseConnection("a frame of 8193 bytes where 8192 are the limit")
    )


def test_external_with_a_certificate_has_its_links_judged() -> None:
    playbook = connected(certificate_chain=CHAIN)
    playbook.play(DataReceived(wire.SASL + wire.sasl_init("EXTERNAL", b"")))
    in_session(playbook).play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    assert playbook.questions == [ATTEST_CERTIFICATE]


# --- the connection -----------------------------------------------------------------------------------------------


def test_the_frames_of_the_device_have_their_limit() -> None:
    in_session(proved()).receives(
        (MAX_FRAME_SIZE + 1).to_bytes(4) + bytes.fromhex("02000000"),
        *closes(
            "amqp:connection:framing-error",
            f"a frame of {MAX_FRAME_SIZE + 1} bytes where {MAX_FRAME_SIZE} are the limit",
        ),
    )


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (wire.begun(), "amqp:illegal-state"),
        (bytes.fromhex("0000000802010000"), "amqp:connection:framing-error"),
        (wire.frame(b"\x3f"), "amqp:decode-error"),
        (opening(max_frame_size=511), "amqp:not-allowed"),
        (opening(idle_time_out=wire.uint(999)), "amqp:not-allowed"),
        (opening() + opening(), "amqp:illegal-state"),
        (opening() + wire.credit(0, 1), "amqp:not-allowed"),
        (opening() + wire.begun() + wire.begun(), "amqp:not-allowed"),
        (opening() + wire.frame(wire.begun()[8:], channel=1), "amqp:connection:framing-error"),
        (opening() + wire.begun() + wire.frame(b"\0\x53\x17\x45", channel=1), "amqp:not-allowed"),
        (opening() + wire.begun() + wire.credit(3, 1), "amqp:session:unattached-handle"),
        (opening() + wire.begun() + register(), "amqp:session:unattached-handle"),
        (
            opening() + wire.begun() + wire.receiver("r", ADDRESS, wire.api_version(), handle=4),
            "amqp:connection:framing-error",
        ),
    ],
)
def test_violations(data: bytes, condition: str) -> None:
    playbook = proved().receives(wire.AMQP, HEADER)
    assert condition_after(playbook, data) == condition


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (wire.receiver("again", ADDRESS, wire.api_version()), "amqp:session:handle-in-use"),
        (wire.transfer(b"\x40"), "amqp:decode-error"),
        (wire.transfer(wire.described(0x10, b"\x45")), "amqp:decode-error"),
    ],
)
def test_violations_on_links(data: bytes, condition: str) -> None:
    assert condition_after(linked(), data) == condition


def test_a_message_has_its_limit_over_all_its_frames() -> None:
    fields = [wire.uint(1), wire.uint(0), wire.binary(b"t"), wire.uint(0), wire.FALSE, wire.TRUE]
    piece = wire.frame(wire.described(0x14, wire.listed(*fields)) + bytes(30_000))
    playbook = linked()
    for _ in range(4):
        playbook.receives(piece)
    assert condition_after(playbook, piece) == "amqp:link:message-size-exceeded"


def test_a_close_before_anything() -> None:
    playbook = proved().receives(wire.AMQP + opening(), sends_header_and(OPEN), RequestWakeup(200))
    playbook.receives(wire.closed(), sends(Close()), CloseConnection("the client closed"))


def sends_header_and(performative: Open) -> SendData:
    return SendData(wire.AMQP + sends(performative).data)


def test_a_session_may_end_and_another_begin() -> None:
    playbook = linked()
    playbook.play(DataReceived(register()))
    assert sent_to(playbook, wire.frame(wire.described(0x17, b"\x45"))) == [End()]
    playbook.is_answered(ASSIGNING)
    assert len(sent_to(playbook, wire.begun())) == 1


# --- liveness -----------------------------------------------------------------------------------------------------


def test_a_proof_has_its_time() -> None:
    playbook = Playbook(AmqpSession(connect_timeout=7)).happens(ConnectionOpened(), RequestWakeup(7))
    playbook.happens(WakeupReached(), CloseConnection("no proof in time"))


def test_a_certificate_that_names_nothing_has_no_more_time() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.happens(WakeupReached(), *closes("amqp:connection:forced", "no proof in time"))


def test_the_device_hears_from_us_as_often_as_it_wants() -> None:
    playbook = proved().receives(
        wire.AMQP + opening(idle_time_out=wire.uint(60_000)), sends_header_and(OPEN), RequestWakeup(30)
    )
    for _ in range(3):
        playbook.happens(WakeupReached(), SendData(HEARTBEAT), RequestWakeup(30))


def test_a_silent_device_is_let_go() -> None:
    playbook = proved().receives(wire.AMQP + opening(), sends_header_and(OPEN), RequestWakeup(200))
    playbook.happens(WakeupReached(), RequestWakeup(200))
    playbook.happens(WakeupReached(), RequestWakeup(200))
    reason = "silent for longer than its idle time-out"
    playbook.happens(WakeupReached(), *closes("amqp:connection:forced", reason))


def test_an_empty_frame_keeps_it_alive() -> None:
    playbook = proved().receives(wire.AMQP + opening(), sends_header_and(OPEN), RequestWakeup(200))
    for _ in range(5):
        playbook.receives(HEARTBEAT).happens(WakeupReached(), RequestWakeup(200))


# --- ends ---------------------------------------------------------------------------------------------------------

STOPPING = "the server is stopping"


def test_draining_an_idle_connection() -> None:
    linked().happens(Draining(), *closes("amqp:connection:forced", STOPPING))


def test_draining_waits_for_what_was_taken() -> None:
    playbook = linked()
    playbook.play(DataReceived(register()))
    playbook.happens(Draining()).receives(register(delivery_id=1))
    commands = playbook.play(Answered(playbook.questions.pop(0), ASSIGNING))
    assert [type(frame.performative) for frame in read_all(commands)] == [Disposition, Transfer, Close]
    assert commands[-1] == CloseConnection(STOPPING)


def test_draining_before_anything() -> None:
    connected().happens(Draining(), CloseConnection(STOPPING))


def test_draining_a_proof_under_way() -> None:
    asking().happens(Draining(), SendData(wire.sasl_outcome(4)), CloseConnection(STOPPING))


def test_draining_a_certificate_under_way() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    playbook.happens(Draining(), *closes("amqp:connection:forced", STOPPING))


def test_displaced() -> None:
    reason = "displaced by a newer connection of the device, or removed"
    linked().happens(Displaced(), *closes("amqp:connection:forced", reason))


def test_a_peer_that_is_gone() -> None:
    playbook = linked()
    playbook.play(DataReceived(register()))
    playbook.happens(ConnectionClosed())
    playbook.is_answered(ASSIGNING).happens(WakeupReached())
