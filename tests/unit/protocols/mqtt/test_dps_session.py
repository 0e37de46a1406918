"""A device and the provisioning service, as conversations."""

import pytest
from tests.playbook import Playbook
from tests.unit.protocols.mqtt.device import (
    ASSIGNED,
    ASSIGNED_JSON,
    ASSIGNING,
    ASSIGNING_JSON,
    ATTEST,
    CREDENTIAL,
    DEVICE,
    IDENTITY,
    OPERATION_ID,
    SCOPE,
    UNAUTHORIZED,
    UNAVAILABLE,
    attested,
    data,
    dps_connect,
    listening,
    opened,
    sends,
)

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.identifiers import OperationId, RegistrationId
from homeport.protocols.conversation import (
    Answered,
    Attest,
    CloseConnection,
    Command,
    DataReceived,
    Draining,
    GetOperationStatus,
    Outcome,
    Refusal,
    Refuse,
    Register,
    RequestWakeup,
    SendData,
    WakeupReached,
)
from homeport.protocols.mqtt.dps_session import MAX_PACKET, MAX_QUESTIONS
from homeport.protocols.mqtt.dps_topics import (
    RESPONSE_FILTER,
    parse_response,
    register_topic,
    response_topic,
    status_topic,
    user_name,
)
from homeport.protocols.mqtt.packets import (
    Connack,
    Connect,
    Packet,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from homeport.protocols.mqtt.reader import PacketReader

STOPPING = CloseConnection("the server is stopping")
FAILED = CloseConnection("its attestation failed")
ACCEPTED = sends(Connack(ReturnCode.ACCEPTED))


def register(payload: bytes = b"", *, request_id: str = "r1", qos: int = 1, packet_id: int = 2) -> Publish:
    return Publish(topic=register_topic(request_id), payload=payload, qos=qos, packet_id=packet_id if qos else 0)


def poll(*, request_id: str = "r2", operation_id: str = OPERATION_ID, payload: bytes = b" ") -> Publish:
    return Publish(topic=status_topic(request_id, operation_id), payload=payload, qos=1, packet_id=3)


def asks_register(payload: bytes | None = None, tag: str = "2 r1") -> Register:
    return Register(id_scope=SCOPE, registration_id=RegistrationId(DEVICE), proof=IDENTITY, payload=payload, tag=tag)


def asks_status(tag: str = "3 r2", operation_id: str = OPERATION_ID) -> GetOperationStatus:
    return GetOperationStatus(
        id_scope=SCOPE,
        registration_id=RegistrationId(DEVICE),
        proof=IDENTITY,
        operation_id=OperationId(operation_id),
        tag=tag,
    )


def response(
    status: int, request_id: str, body: bytes, *, retry_after: int | None = None, packet_id: int = 0
) -> Publish:
    topic = response_topic(status, request_id, retry_after)
    return Publish(topic=topic, payload=body, qos=1 if packet_id else 0, packet_id=packet_id)


def sent_by(commands: list[Command]) -> list[Packet]:
    reader = PacketReader(1 << 20)
    for command in commands:
        if isinstance(command, SendData):
            reader.feed(command.data)
    return list(iter(reader.next_packet, None))


# --- the whole story, as the SDKs tell it -------------------------------------------------------------------------


def test_python() -> None:
    subscribe = Subscribe(1, ((RESPONSE_FILTER, 1),))
    body = b'{"payload": null, "registrationId": "dev-1"}'
    playbook = opened().receives(data(dps_connect()), ATTEST)
    playbook.is_answered(IDENTITY, ACCEPTED, RequestWakeup(30))
    playbook.receives(data(subscribe), sends(Suback(1, (1,))))
    playbook.receives(data(register(body)), asks_register())
    first = response(202, "r1", ASSIGNING_JSON, retry_after=3, packet_id=1)
    playbook.is_answered(ASSIGNING, sends(Puback(2), first)).receives(data(Puback(1)))
    playbook.receives(data(poll()), asks_status())
    playbook.is_answered(ASSIGNED, sends(Puback(3), response(200, "r2", ASSIGNED_JSON, packet_id=2)))
    playbook.receives(b"\x40\x02\x00\x02\xe0\x00", CloseConnection("the client disconnected"))


def test_c_publishes_at_qos_0_and_sends_its_body_again() -> None:
    body = b'{"registrationId":"dev-1"}'
    playbook = listening()
    playbook.receives(data(register(body, request_id="1", qos=0)), asks_register(tag="0 1"))
    playbook.is_answered(ASSIGNING, sends(response(202, "1", ASSIGNING_JSON, retry_after=3, packet_id=1)))
    again = Publish(topic=status_topic("2", OPERATION_ID), payload=body)
    playbook.receives(data(again), asks_status(tag="0 2"))
    playbook.is_answered(ASSIGNED, sends(response(200, "2", ASSIGNED_JSON, packet_id=2)))


def test_csharp_sends_no_body_at_all() -> None:
    playbook = listening().receives(data(register(b"")), asks_register())
    playbook.is_answered(ASSIGNING, sends(Puback(2), response(202, "r1", ASSIGNING_JSON, retry_after=3, packet_id=1)))
    playbook.receives(data(poll(payload=b"")), asks_status())


def test_node_unsubscribes_at_the_end() -> None:
    listening().receives(data(Unsubscribe(9, (RESPONSE_FILTER,))), sends(Unsuback(9)))


def test_a_subscription_of_qos_0_is_answered_at_qos_0() -> None:
    playbook = listening(qos=0).receives(data(register()), asks_register())
    playbook.is_answered(ASSIGNING, sends(Puback(2), response(202, "r1", ASSIGNING_JSON, retry_after=3)))


# --- CONNECT ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connect", "code", "reason"),
    [
        (dps_connect(client_id="dev-2"), ReturnCode.IDENTIFIER_REJECTED, "the client ID is not the registration ID"),
        (dps_connect(client_id=""), ReturnCode.IDENTIFIER_REJECTED, "the client ID is not the registration ID"),
        (dps_connect(password=None), ReturnCode.NOT_AUTHORIZED, "no credential"),
        (dps_connect(password=b""), ReturnCode.NOT_AUTHORIZED, "no credential"),
    ],
    ids=["another client ID", "no client ID", "no password", "an empty password"],
)
def test_connect_that_cannot_be_judged(connect: Connect, code: ReturnCode, reason: str) -> None:
    opened().receives(data(connect), sends(Connack(code)), CloseConnection(reason))


def test_registration_ids_have_no_case() -> None:
    opened().receives(
        data(dps_connect(client_id="DEV-1")),
        Attest(id_scope=SCOPE, registration_id=RegistrationId(DEVICE), credential=CREDENTIAL),
    )


@pytest.mark.parametrize("version", ["2019-03-31", "2017-08-31-preview", "2025-07-01-preview", "2031-01-01"])
def test_any_well_formed_version_is_served(version: str) -> None:
    opened().receives(data(dps_connect(user_name=user_name(SCOPE, DEVICE, version))), ATTEST)


@pytest.mark.parametrize("rest", ["", "/", "/api-version=", "/api-version=latest", "/ClientVersion=1"])
def test_a_version_that_is_none_is_answered_with_the_reason(rest: str) -> None:
    connect = dps_connect(user_name=f"{SCOPE}/registrations/{DEVICE}{rest}")
    refusal = Refusal(status=400, code=400005, body=b'{"errorCode":400005}')
    playbook = opened().receives(data(connect), Refuse(HomeportError(errors.INVALID_API_VERSION)))
    playbook.is_answered(refusal, ACCEPTED, RequestWakeup(5.0))
    playbook.receives(data(Subscribe(1, ((RESPONSE_FILTER, 0),))), sends(Suback(1, (0,))))
    playbook.receives(data(register(qos=0)), sends(response(400, "r1", refusal.body)))


def test_a_registration_id_outside_the_grammar_is_answered_with_the_reason() -> None:
    connect = dps_connect(client_id="dev 1", user_name=user_name(SCOPE, "dev 1", "2019-03-31"))
    opened().receives(data(connect), Refuse(HomeportError(errors.INVALID_IDENTIFIER)))


@pytest.mark.parametrize("outcome", [UNAVAILABLE, Refusal(status=429, code=429001, body=b"{}"), ASSIGNED])
def test_what_may_be_tried_again_is_refused_as_such(outcome: Outcome) -> None:
    opened().receives(data(dps_connect()), ATTEST).is_answered(
        outcome,
        sends(Connack(ReturnCode.SERVER_UNAVAILABLE)),
        CloseConnection("the service could not attest"),
    )


def test_a_client_without_keep_alive_is_not_kept_for_ever() -> None:
    playbook = opened().receives(data(dps_connect(keep_alive=0)), ATTEST)
    playbook.is_answered(IDENTITY, ACCEPTED, RequestWakeup(200))


# --- a credential that does not hold ------------------------------------------------------------------------------


def refused() -> Playbook:
    playbook = opened().receives(data(dps_connect()), ATTEST)
    playbook.is_answered(UNAUTHORIZED, ACCEPTED, RequestWakeup(5.0))
    return playbook.receives(data(Subscribe(1, ((RESPONSE_FILTER, 1),))), sends(Suback(1, (1,))))


def test_every_question_is_answered_with_the_error_and_the_third_answer_is_the_last() -> None:
    playbook = refused()
    playbook.receives(data(register()), sends(Puback(2), response(401, "r1", UNAUTHORIZED.body, packet_id=1)))
    playbook.receives(data(poll()), sends(Puback(3), response(401, "r2", UNAUTHORIZED.body, packet_id=2)))
    playbook.receives(data(register()), sends(Puback(2), response(401, "r1", UNAUTHORIZED.body, packet_id=3)), FAILED)


def test_a_refused_device_is_let_go_after_five_seconds() -> None:
    refused().happens(WakeupReached(), FAILED)


def test_a_refused_device_asks_without_listening() -> None:
    playbook = opened().receives(data(dps_connect()), ATTEST)
    playbook.is_answered(UNAUTHORIZED, ACCEPTED, RequestWakeup(5.0))
    reason = "asked without a subscription to the responses"
    playbook.receives(data(register()), sends(Puback(2)), CloseConnection(reason))


# --- questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b" \r\n", None),
        (b"{}", None),
        (b'{"registrationId":"DEV-1"}', None),
        (b'{"registrationId":null,"payload":{"model": "x"}}', b'{"model": "x"}'),
        (b'{"payload":"text of Java"}', b'"text of Java"'),
        (b'{"payload":0,"tpm":{"endorsementKey":"eA=="}}', b"0"),
    ],
)
def test_bodies_of_register(body: bytes, payload: bytes | None) -> None:
    listening().receives(data(register(body)), asks_register(payload))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"payload":"\xff"}',
        b'{"registrationId":"dev-2"}',
        b'{"registrationId":7}',
        b'{"payload":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=["cut off", "no object", "no UTF-8", "no UTF-8 inside", "of another device", "of a wrong type", "deep"],
)
def test_bodies_that_are_refused(body: bytes) -> None:
    refusal = Refusal(status=400, code=400007, body=b'{"errorCode":400007}')
    playbook = listening().receives(data(register(body)), Refuse(HomeportError(errors.INVALID_BODY), "2 r1"))
    playbook.is_answered(refusal, sends(Puback(2), response(400, "r1", refusal.body, packet_id=1)))


def test_a_poll_of_a_malformed_operation() -> None:
    playbook = listening()
    playbook.receives(data(poll(operation_id="a%20b")), Refuse(HomeportError(errors.OPERATION_NOT_FOUND), "3 r2"))


def test_an_error_carries_its_retry_after() -> None:
    throttled = Refusal(status=429, code=429001, body=b'{"errorCode":429001}', retry_after=7)
    playbook = listening().receives(data(register()), asks_register())
    expected = response(429, "r1", throttled.body, retry_after=7, packet_id=1)
    playbook.is_answered(throttled, sends(Puback(2), expected))


def test_register_is_never_answered_200_even_when_all_is_done() -> None:
    playbook = listening().receives(data(register()), asks_register())
    playbook.is_answered(ASSIGNED, sends(Puback(2), response(202, "r1", ASSIGNED_JSON, packet_id=1)))


def test_a_poll_of_what_is_not_done_is_answered_202() -> None:
    playbook = listening().receives(data(poll()), asks_status())
    expected = response(202, "r2", ASSIGNING_JSON, retry_after=3, packet_id=1)
    playbook.is_answered(ASSIGNING, sends(Puback(3), expected))


def test_several_questions_at_once_are_told_apart_by_their_request_ids() -> None:
    playbook = listening().receives(data(register(), poll()), asks_register(), asks_status())
    playbook.is_answered(
        ASSIGNED, sends(Puback(2), Puback(3), response(200, "r2", ASSIGNED_JSON, packet_id=1)), index=1
    )
    playbook.is_answered(ASSIGNING, sends(response(202, "r1", ASSIGNING_JSON, retry_after=3, packet_id=2)))


def test_a_retransmission_is_acknowledged_and_not_asked_again() -> None:
    again = Publish(topic=register_topic("r1"), qos=1, packet_id=2, duplicate=True)
    playbook = listening().receives(data(register()), asks_register())
    playbook.receives(data(again), sends(Puback(2)))
    playbook.is_answered(ASSIGNING, sends(Puback(2), response(202, "r1", ASSIGNING_JSON, retry_after=3, packet_id=1)))


def test_a_retransmission_on_a_new_connection_is_a_question() -> None:
    again = Publish(topic=register_topic("r1"), qos=1, packet_id=2, duplicate=True)
    listening().receives(data(again), asks_register())


def test_an_answer_to_a_question_that_nobody_asked_is_dropped() -> None:
    listening().happens(Answered(asks_register(), ASSIGNING)).happens(Answered(ATTEST, IDENTITY))


# --- limits -------------------------------------------------------------------------------------------------------


def test_too_many_questions_are_refused_one_by_one() -> None:
    questions = [register(request_id=f"r{n}", qos=0) for n in range(MAX_QUESTIONS + 1)]
    playbook = listening()
    commands = playbook.play(DataReceived(data(*questions)))
    assert [type(command) for command in commands] == [Register] * MAX_QUESTIONS + [Refuse]
    refusal = Refusal(status=429, code=429001, body=b"{}", retry_after=3)
    expected = response(429, f"r{MAX_QUESTIONS}", b"{}", retry_after=3, packet_id=1)
    playbook.is_answered(refusal, sends(expected), index=MAX_QUESTIONS)


def test_a_flood_of_questions_ends_the_connection() -> None:
    questions = [register(request_id=f"r{n}", qos=0) for n in range(1000)]
    commands = listening().play(DataReceived(data(*questions)))
    assert commands[-1] == CloseConnection("a flood of questions")
    assert len(commands) == 2 * MAX_QUESTIONS + 1


def test_a_device_that_acknowledges_nothing_ends_its_connection() -> None:
    playbook = listening()
    for _ in range(64):
        playbook.play(DataReceived(data(poll())))
        [answer] = sent_by(playbook.play(Answered(playbook.questions.pop(), ASSIGNING)))[1:]
        assert isinstance(answer, Publish)
        assert parse_response(answer.topic).status == 202
    playbook.receives(data(poll()), asks_status())
    playbook.is_answered(ASSIGNING, sends(Puback(3)), CloseConnection("does not acknowledge what it is sent"))


def test_the_largest_message() -> None:
    body = b'{"payload":"' + b"x" * 96 * 1024 + b'"}'
    playbook = listening()
    [question] = playbook.play(DataReceived(data(register(body))))
    assert isinstance(question, Register)
    assert question.payload == body[11:-1]


def test_a_message_beyond_the_limit() -> None:
    reason = f"a packet of {MAX_PACKET + 1} bytes where {MAX_PACKET} are the limit"
    listening().receives(b"\x32\x81\x80\x08", CloseConnection(reason))


@pytest.mark.parametrize("topic_filter", ["#", "$dps/#", "$dps/registrations/res/+", "$iothub/twin/res/#", "a"])
def test_foreign_filters_are_not_granted(topic_filter: str) -> None:
    subscribe = Subscribe(1, ((topic_filter, 1), (RESPONSE_FILTER, 0)))
    attested().receives(data(subscribe), sends(Suback(1, (0x80, 0))))


@pytest.mark.parametrize("topic", ["a", "$dps/registrations/res/200/?$rid=1", "$iothub/twin/GET/?$rid=1"])
def test_foreign_topics_end_the_connection(topic: str) -> None:
    listening().receives(data(Publish(topic=topic)), CloseConnection("a PUBLISH to a foreign topic"))


def test_whoever_asks_without_listening_is_not_answered() -> None:
    reason = "asked without a subscription to the responses"
    playbook = attested().receives(data(register()), asks_register())
    playbook.is_answered(ASSIGNING, sends(Puback(2)), CloseConnection(reason))


def test_whoever_stopped_listening_is_not_answered() -> None:
    playbook = listening().receives(
        data(register(), Unsubscribe(5, (RESPONSE_FILTER,))), sends(Unsuback(5)), asks_register()
    )
    reason = "asked without a subscription to the responses"
    playbook.is_answered(ASSIGNING, sends(Puback(2)), CloseConnection(reason))


def test_draining_answers_what_was_taken_and_takes_nothing_new() -> None:
    playbook = listening().receives(data(register(), poll()), asks_register(), asks_status())
    playbook.happens(Draining()).receives(data(register(request_id="late")))
    first = response(202, "r1", ASSIGNING_JSON, retry_after=3, packet_id=1)
    playbook.is_answered(ASSIGNING, sends(Puback(2), Puback(3), first))
    playbook.is_answered(ASSIGNED, sends(response(200, "r2", ASSIGNED_JSON, packet_id=2)), STOPPING)
