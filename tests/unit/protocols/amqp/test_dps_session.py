"""A device and the provisioning service, as conversations."""

import pytest
from tests.playbook import Playbook
from tests.unit.protocols.amqp import wire
from tests.unit.protocols.amqp.device import (
    ADDRESS,
    ASSIGNED,
    ASSIGNED_JSON,
    ASSIGNING,
    ASSIGNING_JSON,
    ATTEST_CERTIFICATE,
    ATTEST_TOKEN,
    CHAIN,
    DEVICE,
    IDENTITY,
    OFFER,
    OPERATION_ID,
    PLAIN,
    SCOPE,
    TOKEN,
    UNAUTHORIZED,
    UNAVAILABLE,
    connected,
    in_session,
    linked,
    poll,
    proved,
    read_all,
    register,
    sends,
    sent_to,
)

from homeport.model.attestation import PresentedCredential, TpmChallenge
from homeport.model.identifiers import OperationId, RegistrationId
from homeport.protocols.amqp.dps_session import MAX_QUESTIONS
from homeport.protocols.amqp.messages import Message, decode_message
from homeport.protocols.amqp.performatives import (
    Accepted,
    Attach,
    Close,
    Detach,
    Disposition,
    Error,
    Rejected,
    Transfer,
)
from homeport.protocols.amqp.types import Int, Map, Symbol, Uint, Ulong
from homeport.protocols.conversation import (
    Answered,
    Attest,
    CloseConnection,
    DataReceived,
    GetOperationStatus,
    Outcome,
    Refusal,
    Refuse,
    Register,
    RequestWakeup,
    SendData,
    WakeupReached,
)

RETRY = {"retry-after": Int(3), "Retry-After": Int(3)}


def asks_register(payload: bytes | None = None, tag: str = "1") -> Register:
    return Register(id_scope=SCOPE, registration_id=RegistrationId(DEVICE), proof=IDENTITY, payload=payload, tag=tag)


def asks_status(tag: str = "2", operation_id: str = OPERATION_ID) -> GetOperationStatus:
    return GetOperationStatus(
        id_scope=SCOPE,
        registration_id=RegistrationId(DEVICE),
        proof=IDENTITY,
        operation_id=OperationId(operation_id),
        tag=tag,
    )


def answers(playbook: Playbook, outcome: Outcome) -> tuple[Disposition, Message]:
    """What the device gets when the oldest question is answered: the disposition first, then the reply."""
    commands = playbook.play(Answered(playbook.questions.pop(0), outcome))
    settled, transferred = read_all(commands)
    assert isinstance(settled.performative, Disposition)
    assert isinstance(transferred.performative, Transfer)
    return settled.performative, decode_message(transferred.payload)


def rejection(playbook: Playbook, outcome: Outcome) -> Error:
    [frame] = read_all(playbook.play(Answered(playbook.questions.pop(0), outcome)))
    assert isinstance(frame.performative, Disposition)
    assert isinstance(frame.performative.state, Rejected)
    assert frame.performative.state.error is not None
    return frame.performative.state.error


# --- the whole story, as the SDKs tell it -------------------------------------------------------------------------


def test_node_with_a_key() -> None:
    version = wire.api_version(client_version="azure-iot-provisioning-device/1.9.1")
    playbook = connected().receives(wire.SASL, SendData(OFFER))
    playbook.receives(wire.sasl_init("PLAIN", PLAIN, wire.text("dps.example")), ATTEST_TOKEN)
    playbook.is_answered(IDENTITY, SendData(wire.sasl_outcome(0)), RequestWakeup(200))
    playbook.play(DataReceived(wire.AMQP + wire.opened("1f7d", "dps.example") + wire.begun()))
    [confirmed] = sent_to(playbook, wire.receiver("rheaReceiver_1", ADDRESS, version))
    assert isinstance(confirmed, Attach)
    playbook.play(DataReceived(wire.sender("rheaSender_1", ADDRESS, version) + wire.credit(0, 100)))

    correlation = wire.message_properties(wire.text("8a2f"))
    pairs = wire.application_properties(
        iotdps_operation_type=wire.text("iotdps-register"), iotdps_forceRegistration=wire.FALSE
    )
    body = wire.data_section(b'{"registrationId":"dev-1","payload":{"a":1}}')
    playbook.receives(wire.transfer(correlation + pairs + body), asks_register(b'{"a":1}'))
    disposition, reply = answers(playbook, ASSIGNING)
    assert disposition == Disposition(role=True, first=Uint(0), settled=True, state=Accepted())
    assert (reply.properties.correlation_id, reply.body) == ("8a2f", ASSIGNING_JSON)
    assert reply.application_properties == RETRY

    playbook.receives(poll(body=wire.value_section(wire.text(""))), asks_status())
    disposition, reply = answers(playbook, ASSIGNED)
    assert (disposition.first, reply.body, reply.application_properties) == (1, ASSIGNED_JSON, {})
    playbook.receives(wire.closed(), sends(Close()), CloseConnection("the client closed"))


def test_csharp_with_a_certificate_sends_an_empty_body_and_settles_on_disposal() -> None:
    playbook = connected(certificate_chain=CHAIN)
    playbook.play(DataReceived(wire.AMQP + wire.opened("csharp", "dps.example") + wire.begun()))
    attach = wire.receiver("3b1e", ADDRESS, wire.api_version(client_version="c#"), settle=wire.ubyte(0))
    commands = playbook.play(DataReceived(attach))
    assert commands[1:] == [ATTEST_CERTIFICATE]
    playbook.is_answered(IDENTITY, RequestWakeup(200))
    playbook.play(DataReceived(wire.credit(0, 50) + wire.sender("9c2d", ADDRESS, wire.api_version())))

    playbook.receives(register(b"", correlation_id=wire.text("guid")), asks_register())
    commands = playbook.play(Answered(playbook.questions.pop(0), ASSIGNING))
    _, transferred = read_all(commands)
    assert isinstance(transferred.performative, Transfer)
    assert transferred.performative.settled is False
    assert decode_message(transferred.payload).properties.correlation_id == "guid"
    settled = Disposition(role=False, first=Uint(0), last=Uint(0), settled=True, state=Accepted())
    playbook.receives(wire.disposition(0, settled=wire.FALSE), sends(settled))
    playbook.receives(poll(body=wire.value_section(wire.text("iotdps-get-operationstatus"))), asks_status())


def test_c_names_the_host_in_its_links_and_sends_its_body_again() -> None:
    address = f"amqps://dps.example/{ADDRESS}"
    body = wire.data_section(b'{"registrationId":"dev-1"}')
    playbook = in_session(proved())
    links = wire.receiver("recv_link", address, wire.api_version("2021-06-01"))
    links += wire.sender("sender_link", address, wire.api_version("2021-06-01"))
    playbook.play(DataReceived(links + wire.credit(0, 10_000)))
    pairs = wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
    playbook.receives(wire.transfer(pairs + body), asks_register())
    _, reply = answers(playbook, ASSIGNING)
    assert reply.properties.correlation_id is None
    assert [type(value) for value in reply.application_properties.values()] == [Int, Int]
    playbook.receives(poll(body=body), asks_status())
    assert answers(playbook, ASSIGNED)[1].body == ASSIGNED_JSON


def test_java_has_a_slash_in_front_and_polls_without_a_body() -> None:
    playbook = in_session(proved())
    links = wire.sender("provision_sender_link", f"/{ADDRESS}", wire.api_version(client_version="java"), handle=0)
    links += wire.receiver("provision_receiver_link", f"/{ADDRESS}", wire.api_version(), handle=1)
    playbook.play(DataReceived(links + wire.credit(1, 1000)))
    pairs = wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
    body = wire.data_section(b'{"registrationId":"dev-1","payload":"text"}')
    playbook.receives(wire.transfer(pairs + body, handle=0), asks_register(b'"text"'))
    assert answers(playbook, ASSIGNING)[1].body == ASSIGNING_JSON
    pairs = wire.application_properties(
        iotdps_operation_type=wire.text("iotdps-get-operationstatus"), iotdps_operation_id=wire.text(OPERATION_ID)
    )
    playbook.receives(wire.transfer(pairs, handle=0, delivery_id=1), asks_status())


def test_a_tpm() -> None:
    blob = bytes(range(256)) * 3 + bytes(20)

    def asks(token: str | None = None) -> Attest:
        keys = PresentedCredential(sas_token=token, endorsement_key=b"EK" + bytes(314), storage_root_key=b"SRK")
        return Attest(id_scope=SCOPE, registration_id=RegistrationId(DEVICE), credential=keys)

    init = b"\0" + SCOPE.encode() + b"\0" + DEVICE.encode() + b"\0EK" + bytes(314)
    playbook = connected().receives(wire.SASL, SendData(OFFER))
    playbook.receives(wire.sasl_init("TPM", init, wire.text(ADDRESS)), SendData(wire.sasl_challenge(b"\0")))
    playbook.receives(wire.sasl_response(b"\0SRK"), asks())
    first, rest = wire.sasl_challenge(b"\x80" + blob[:470]), wire.sasl_challenge(b"\xc1" + blob[470:])
    assert len(first) <= 512
    playbook.is_answered(TpmChallenge(authentication_key=blob), SendData(first))
    playbook.receives(wire.sasl_response(b"\0"), SendData(rest))
    playbook.receives(wire.sasl_response(b"\0" + TOKEN.encode()), asks(TOKEN))
    playbook.is_answered(IDENTITY, SendData(wire.sasl_outcome(0)), RequestWakeup(200))
    in_session(playbook)
    links = wire.receiver("r", ADDRESS, wire.api_version()) + wire.sender("s", ADDRESS, wire.api_version())
    playbook.play(DataReceived(links))
    body = b'{"registrationId":"dev-1","tpm":{"endorsementKey":"RUs="}}'
    playbook.receives(register(body), asks_register())


# --- the proof ----------------------------------------------------------------------------------------------------


def test_a_certificate_is_judged_once() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    assert playbook.questions == [ATTEST_CERTIFICATE]
    playbook.is_answered(IDENTITY, RequestWakeup(200))
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.api_version())))
    assert playbook.questions == []


def test_nothing_is_taken_while_the_certificate_is_judged() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.api_version())))
    playbook.receives(wire.receiver("r", ADDRESS, wire.api_version()))
    commands = playbook.play(Answered(playbook.questions.pop(0), IDENTITY))
    assert [type(frame.performative) for frame in read_all(commands)] == [Attach]


def refused_certificate(refusal: Refusal = UNAUTHORIZED) -> Playbook:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    playbook.is_answered(refusal, RequestWakeup(5.0))
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.api_version())))
    return playbook


def test_a_certificate_that_does_not_hold_is_told_with_each_answer_three_times_at_most() -> None:
    playbook = refused_certificate()
    error = Error(Symbol("amqp:unauthorized-access"), '{"errorCode":401002}')
    rejected = [Disposition(role=True, first=Uint(n), settled=True, state=Rejected(error)) for n in range(3)]
    playbook.receives(register(delivery_id=0), sends(rejected[0]))
    playbook.receives(register(delivery_id=1), sends(rejected[1]))
    closed = Close(Error(Symbol("amqp:unauthorized-access"), "its attestation failed"))
    playbook.receives(register(delivery_id=2), sends(rejected[2], closed), CloseConnection("its attestation failed"))


def test_a_certificate_that_does_not_hold_is_gone_after_five_seconds() -> None:
    closed = Close(Error(Symbol("amqp:connection:forced"), "its attestation failed"))
    refused_certificate().happens(WakeupReached(), sends(closed), CloseConnection("its attestation failed"))


def test_a_certificate_that_cannot_be_judged_ends_the_connection() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    closed = Close(Error(Symbol("amqp:internal-error"), "the service could not attest"))
    playbook.is_answered(UNAVAILABLE, sends(closed), CloseConnection("the service could not attest"))


@pytest.mark.parametrize("properties", [wire.NULL, wire.mapped(), wire.api_version("yesterday")])
def test_the_api_version_is_told_like_a_failed_proof(properties: bytes) -> None:
    playbook = in_session(proved())
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, properties)))
    [question] = playbook.questions
    assert isinstance(question, Refuse)
    assert question.error.row.name == "InvalidApiVersion"
    playbook.is_answered(Refusal(status=400, code=400005, body=b"{}"), RequestWakeup(5.0))
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.api_version())))
    [disposition] = sent_to(playbook, register())
    assert isinstance(disposition, Disposition)
    assert disposition.state == Rejected(Error(Symbol("com.microsoft:argument-error"), "{}"))


def test_what_was_asked_before_a_link_was_found_wanting_is_still_answered() -> None:
    playbook = linked()
    playbook.play(DataReceived(register(b"", correlation_id=wire.text("a"))))
    playbook.play(DataReceived(wire.sender("s2", ADDRESS, wire.NULL, handle=2)))
    assert [type(question) for question in playbook.questions] == [Register, Refuse]
    assert answers(playbook, ASSIGNING)[1].properties.correlation_id == "a"
    playbook.is_answered(Refusal(status=400, code=400005, body=b"{}"), RequestWakeup(5.0))


def test_a_judgement_that_is_none_ends_the_connection() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    closed = Close(Error(Symbol("amqp:internal-error"), "the service could not attest"))
    challenge = TpmChallenge(authentication_key=b"blob")
    playbook.is_answered(challenge, sends(closed), CloseConnection("the service could not attest"))


def test_the_api_version_counts_on_each_link() -> None:
    playbook = in_session(proved())
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.NULL)))
    assert [type(question) for question in playbook.questions] == [Refuse]


@pytest.mark.parametrize(
    ("address", "condition"),
    [
        ("$cbs", "amqp:not-found"),
        ("", "amqp:not-found"),
        (f"{SCOPE}/registrations/other", "amqp:unauthorized-access"),
        (f"other/registrations/{DEVICE}", "amqp:unauthorized-access"),
    ],
)
def test_links_that_lead_elsewhere(address: str, condition: str) -> None:
    playbook = in_session(proved())
    attach, detach = sent_to(playbook, wire.receiver("r", address, wire.api_version()))
    assert isinstance(attach, Attach)
    assert isinstance(detach, Detach)
    assert (attach.source, attach.target, detach.closed) == (None, None, True)
    assert detach.error is not None
    assert detach.error.condition == condition


def test_a_certificate_may_look_for_its_address() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    assert len(sent_to(playbook, wire.receiver("r", "$management", wire.api_version()))) == 2
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version(), handle=1)))
    assert playbook.questions == [ATTEST_CERTIFICATE]


def test_identifiers_know_no_case() -> None:
    playbook = in_session(proved())
    [attach] = sent_to(playbook, wire.receiver("r", ADDRESS.upper().replace("REG", "reg", 1), wire.api_version()))[:1]
    assert isinstance(attach, Attach)
    [confirmed] = sent_to(
        playbook, wire.receiver("r", f"{SCOPE.upper()}/registrations/DEV-1", wire.api_version(), handle=2)
    )
    assert isinstance(confirmed, Attach)
    assert confirmed.source is not None


def test_an_impossible_registration_id_is_told() -> None:
    playbook = in_session(connected(certificate_chain=CHAIN))
    playbook.play(DataReceived(wire.receiver("r", f"{SCOPE}/registrations/a b", wire.api_version())))
    [question] = playbook.questions
    assert isinstance(question, Refuse)
    assert question.error.row.name == "InvalidIdentifier"


# --- questions ----------------------------------------------------------------------------------------------------


def row(playbook: Playbook) -> str:
    [question] = playbook.questions
    assert isinstance(question, Refuse)
    return question.error.row.name


@pytest.mark.parametrize(
    ("transfer", "name"),
    [
        (register(b"{"), "InvalidBody"),
        (register(b'{"registrationId":"other"}'), "InvalidBody"),
        (poll("not an id!"), "OperationNotFound"),
        (poll(""), "OperationNotFound"),
        (wire.transfer(wire.data_section(b"{}")), "InvalidRequest"),
        (
            wire.transfer(
                wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
                + wire.value_section(wire.uint(1))
            ),
            "InvalidBody",
        ),
    ],
)
def test_malformed_questions(transfer: bytes, name: str) -> None:
    playbook = linked()
    playbook.play(DataReceived(transfer))
    assert row(playbook) == name


def test_an_error_rejects_the_request() -> None:
    playbook = linked()
    playbook.play(DataReceived(register()))
    error = rejection(playbook, UNAVAILABLE)
    assert error == Error(
        Symbol("amqp:internal-error"),
        '{"errorCode":503001}',
        Map({Symbol("retry-after"): Int(5), Symbol("Retry-After"): Int(5)}),
    )


def test_the_correlation_id_comes_back_in_its_type() -> None:
    playbook = linked()
    playbook.play(DataReceived(register(correlation_id=b"\x53\x07")))
    found = answers(playbook, ASSIGNING)[1].properties.correlation_id
    assert (type(found), found) == (Ulong, 7)


def test_a_reply_waits_for_the_credit_of_its_link() -> None:
    playbook = linked(receive_credit=0)
    playbook.play(DataReceived(register()))
    accepted = sends(Disposition(role=True, first=Uint(0), settled=True, state=Accepted()))
    playbook.is_answered(ASSIGNING, accepted)
    [transfer] = sent_to(playbook, wire.credit(0, 1))
    assert isinstance(transfer, Transfer)


def test_a_request_without_a_link_for_its_answer() -> None:
    playbook = in_session(proved())
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.api_version()) + register()))
    assert row(playbook) == "InvalidRequest"


def test_a_request_whose_link_for_the_answer_has_gone() -> None:
    playbook = linked()
    playbook.play(DataReceived(register()))
    playbook.play(DataReceived(wire.frame(wire.described(0x16, wire.listed(wire.uint(0), wire.TRUE)))))
    [frame] = read_all(playbook.play(Answered(playbook.questions.pop(0), ASSIGNING)))
    assert isinstance(frame.performative, Disposition)
    assert type(frame.performative.state).__name__ == "Released"


def test_too_many_questions_are_throttled() -> None:
    playbook = linked(receive_credit=100)
    for number in range(MAX_QUESTIONS + 1):
        playbook.play(DataReceived(register(delivery_id=number)))
    *asked, throttled = playbook.questions
    assert {type(question) for question in asked} == {Register}
    assert isinstance(throttled, Refuse)
    assert (throttled.error.row.name, throttled.error.retry_after) == ("Throttled", 3)


@pytest.mark.parametrize(
    ("handle", "condition"), [(1, "amqp:link:transfer-limit-exceeded"), (2, "amqp:resource-limit-exceeded")]
)
def test_a_flood_ends_the_connection_over_however_many_links(handle: int, condition: str) -> None:
    playbook = linked()
    playbook.play(DataReceived(wire.sender("s2", ADDRESS, wire.api_version(), handle=2)))
    for number in range(2 * MAX_QUESTIONS):
        playbook.play(DataReceived(register(delivery_id=number)))
    pairs = wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
    [closed] = sent_to(playbook, wire.transfer(pairs, handle=handle, delivery_id=99))
    assert isinstance(closed, Close)
    assert closed.error is not None
    assert closed.error.condition == condition


def test_answers_may_come_in_any_order() -> None:
    playbook = linked()
    playbook.play(DataReceived(register(correlation_id=wire.text("a")) + poll()))
    commands = playbook.play(Answered(playbook.questions[1], ASSIGNED))
    settled, _ = read_all(commands)
    assert isinstance(settled.performative, Disposition)
    assert settled.performative.first == 1
    assert answers(playbook, ASSIGNING)[1].properties.correlation_id == "a"


def test_an_answer_to_nothing_is_passed_over() -> None:
    playbook = linked()
    playbook.happens(Answered(asks_register(tag="9"), ASSIGNING))
    playbook.happens(Answered(ATTEST_TOKEN, IDENTITY))


def test_a_token_that_does_not_hold_is_told_with_each_answer_too() -> None:
    sasl = wire.SASL + wire.sasl_init("PLAIN", PLAIN)
    playbook = connected()
    playbook.play(DataReceived(sasl))
    playbook.is_answered(UNAUTHORIZED, SendData(wire.sasl_outcome(0)), RequestWakeup(5.0))
    playbook = in_session(playbook)
    playbook.play(DataReceived(wire.receiver("r", ADDRESS, wire.api_version())))
    playbook.play(DataReceived(wire.sender("s", ADDRESS, wire.api_version())))
    assert playbook.questions == []
    error = Error(Symbol("amqp:unauthorized-access"), '{"errorCode":401002}')
    rejected = Disposition(role=True, first=Uint(0), settled=True, state=Rejected(error))
    playbook.receives(register(delivery_id=0), sends(rejected))
