"""A device and its hub, as conversations."""

import pytest
from tests.unit.protocols.mqtt.device import (
    CREDENTIAL,
    DEVICE,
    HUB,
    HUB_SESSION,
    OPEN_HUB_SESSION,
    TOKEN,
    UNAUTHORIZED,
    UNAVAILABLE,
    at_hub,
    data,
    hub_connect,
    opened,
    sends,
)

from homeport.model.attestation import PresentedCredential
from homeport.protocols.conversation import (
    Answered,
    CloseConnection,
    DataReceived,
    DesiredPropertiesChanged,
    Done,
    Draining,
    GetTwin,
    HubSession,
    OpenHubSession,
    Outcome,
    PatchReportedProperties,
    Refusal,
    ReportedPropertiesVersion,
    RequestWakeup,
    SendTelemetry,
    TwinDocument,
    WakeupReached,
)
from homeport.protocols.mqtt.hub_session import MAX_BACKLOG, MAX_PACKET, MAX_QUESTIONS
from homeport.protocols.mqtt.hub_topics import (
    Subscription,
    desired_properties_topic,
    events_topic,
    twin_get_topic,
    twin_patch_topic,
    twin_response_topic,
    user_name,
)
from homeport.protocols.mqtt.packets import (
    Connack,
    Connect,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)

TWIN = Subscription.TWIN_RESPONSES.value
DESIRED = Subscription.DESIRED_PROPERTIES.value
ACCEPTED = sends(Connack(ReturnCode.ACCEPTED))


def telemetry(body: bytes = b"21", *, packet_id: int = 5, properties: tuple[tuple[str, str], ...] = ()) -> Publish:
    return Publish(topic=events_topic(DEVICE, properties), payload=body, qos=1 if packet_id else 0, packet_id=packet_id)


def takes(body: bytes = b"21", *, packet_id: int = 5, properties: tuple[tuple[str, str], ...] = ()) -> SendTelemetry:
    return SendTelemetry(session=HUB_SESSION, body=body, properties=properties, tag=f"{packet_id} ")


def twin_get(request_id: str = "r1", packet_id: int = 6) -> Publish:
    return Publish(topic=twin_get_topic(request_id), payload=b" ", qos=1 if packet_id else 0, packet_id=packet_id)


# --- CONNECT ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connect", "code", "reason"),
    [
        (
            hub_connect(user_name=f"{HUB}/{DEVICE}/mod/?api-version=1", client_id=f"{DEVICE}/mod"),
            ReturnCode.IDENTIFIER_REJECTED,
            "modules are not offered",
        ),
        (hub_connect(user_name="anybody"), ReturnCode.BAD_USER_NAME_OR_PASSWORD, "a user name of unknown form"),
        (hub_connect(client_id="dev-2"), ReturnCode.IDENTIFIER_REJECTED, "the client ID is not the device ID"),
        (hub_connect(client_id="DEV-1"), ReturnCode.IDENTIFIER_REJECTED, "the client ID is not the device ID"),
        (hub_connect(password=None), ReturnCode.NOT_AUTHORIZED, "no credential"),
        (
            hub_connect(user_name=user_name(HUB, "dev 1", "1"), client_id="dev 1"),
            ReturnCode.IDENTIFIER_REJECTED,
            "InvalidIdentifier",
        ),
    ],
    ids=["module", "form", "client ID", "case of the client ID", "no password", "grammar"],
)
def test_connect_that_the_hub_need_not_judge(connect: Connect, code: ReturnCode, reason: str) -> None:
    opened().receives(data(connect), sends(Connack(code)), CloseConnection(reason))


def test_a_refused_device_is_told_so_by_connack() -> None:
    opened().receives(data(hub_connect()), OPEN_HUB_SESSION).is_answered(
        UNAUTHORIZED, sends(Connack(ReturnCode.NOT_AUTHORIZED)), CloseConnection("the hub refused the device")
    )


@pytest.mark.parametrize("outcome", [UNAVAILABLE, Refusal(status=429, code=429001, body=b"{}"), Done()])
def test_a_hub_that_cannot_answer(outcome: Outcome) -> None:
    opened().receives(data(hub_connect()), OPEN_HUB_SESSION).is_answered(
        outcome, sends(Connack(ReturnCode.SERVER_UNAVAILABLE)), CloseConnection("the hub is unavailable")
    )


def test_the_name_of_the_hub_is_the_devices_spelling() -> None:
    opened().receives(
        data(hub_connect(user_name=user_name("127.0.0.1", DEVICE, "2019-10-01"))),
        OpenHubSession(hub_host_name="127.0.0.1", device_id=DEVICE, credential=CREDENTIAL),
    )


@pytest.mark.parametrize("password", [None, b""])
def test_a_certificate_needs_no_password(password: bytes | None) -> None:
    chain = (b"leaf", b"issuer")
    credential = PresentedCredential(certificate_chain=chain)
    opened(certificate_chain=chain).receives(
        data(hub_connect(password=password)),
        OpenHubSession(hub_host_name=HUB, device_id=DEVICE, credential=credential),
    ).is_answered(HUB_SESSION, ACCEPTED, RequestWakeup(30))


def test_a_password_goes_along_with_a_certificate() -> None:
    credential = PresentedCredential(sas_token=TOKEN, certificate_chain=(b"leaf",))
    opened(certificate_chain=(b"leaf",)).receives(
        data(hub_connect()), OpenHubSession(hub_host_name=HUB, device_id=DEVICE, credential=credential)
    )


def test_the_end_of_the_credential_is_the_end_of_the_connection() -> None:
    session = HubSession(hub_host_name=HUB, device_id=DEVICE, expires_in=40)
    playbook = opened().receives(data(hub_connect()), OPEN_HUB_SESSION)
    playbook.is_answered(session, ACCEPTED, RequestWakeup(30))
    playbook.happens(WakeupReached(), RequestWakeup(10))
    playbook.happens(WakeupReached(), CloseConnection("its credential has expired"))


def test_without_keep_alive_and_expiry_nothing_is_watched() -> None:
    session = HubSession(hub_host_name=HUB, device_id=DEVICE, expires_in=None)
    playbook = opened().receives(data(hub_connect(keep_alive=0)), OPEN_HUB_SESSION)
    playbook.is_answered(session, ACCEPTED, RequestWakeup(None))


# --- telemetry ----------------------------------------------------------------------------------------------------


def test_a_message_is_acknowledged_once_the_hub_has_it() -> None:
    properties = (("$.ct", "application/json"), ("alert", "true"))
    playbook = at_hub().receives(data(telemetry(properties=properties)), takes(properties=properties))
    playbook.is_answered(Done(), sends(Puback(5)))


def test_a_message_of_qos_0_is_not_acknowledged() -> None:
    at_hub().receives(data(telemetry(packet_id=0)), takes(packet_id=0)).is_answered(Done())


def test_acknowledgements_keep_the_order_of_the_messages() -> None:
    playbook = at_hub().receives(data(telemetry(packet_id=5), telemetry(packet_id=6)), takes(), takes(packet_id=6))
    playbook.is_answered(Done(), index=1).is_answered(Done(), sends(Puback(5), Puback(6)))


def test_a_message_that_the_hub_did_not_take_ends_the_connection_unacknowledged() -> None:
    playbook = at_hub().receives(data(telemetry()), takes())
    playbook.is_answered(UNAVAILABLE, CloseConnection("the hub did not take a message"))


def test_a_burst_waits_until_the_hub_has_caught_up() -> None:
    playbook = at_hub()
    commands = playbook.play(DataReceived(data(*[telemetry(packet_id=0)] * (MAX_QUESTIONS + 2))))
    assert commands == [takes(packet_id=0)] * MAX_QUESTIONS
    playbook.is_answered(Done(), takes(packet_id=0)).is_answered(Done(), takes(packet_id=0)).is_answered(Done())


def test_a_burst_beyond_all_bounds_ends_the_connection() -> None:
    playbook = at_hub()
    playbook.play(DataReceived(data(*[telemetry(packet_id=0)] * MAX_QUESTIONS)))
    playbook.receives(bytes(MAX_BACKLOG))
    playbook.receives(b"\0", CloseConnection("sends faster than it is answered"))


def test_the_largest_message() -> None:
    body = bytes(MAX_PACKET - len(events_topic(DEVICE)) - 4)
    at_hub().receives(data(telemetry(body)), takes(body))


def test_a_message_beyond_the_limit() -> None:
    reason = f"a packet of {MAX_PACKET + 1} bytes where {MAX_PACKET} are the limit"
    at_hub().receives(b"\x32\x81\x80\x10", CloseConnection(reason))


# --- twin ---------------------------------------------------------------------------------------------------------


def test_twin() -> None:
    document = b'{"desired":{"a":1,"$version":2},"reported":{"$version":1}}'
    playbook = at_hub(TWIN).receives(data(twin_get()), GetTwin(session=HUB_SESSION, tag="6 r1"))
    answer = Publish(topic=twin_response_topic(200, "r1"), payload=document, qos=1, packet_id=1)
    playbook.is_answered(TwinDocument(document), sends(Puback(6), answer))


def test_node_subscribes_and_asks_at_qos_0() -> None:
    playbook = at_hub(TWIN, qos=0)
    playbook.receives(data(twin_get(packet_id=0)), GetTwin(session=HUB_SESSION, tag="0 r1"))
    playbook.is_answered(TwinDocument(b"{}"), sends(Publish(topic=twin_response_topic(200, "r1"), payload=b"{}")))


def test_reported_properties() -> None:
    packet = Publish(topic=twin_patch_topic("r2"), payload=b'{"a":null}', qos=1, packet_id=7)
    question = PatchReportedProperties(session=HUB_SESSION, patch=b'{"a":null}', tag="7 r2")
    answer = Publish(topic=twin_response_topic(204, "r2", 12), qos=1, packet_id=1)
    playbook = at_hub(TWIN).receives(data(packet), question)
    playbook.is_answered(ReportedPropertiesVersion(12), sends(Puback(7), answer))


def test_an_error_of_the_twin_is_answered_with_its_json() -> None:
    refusal = Refusal(status=400, code=400007, body=b'{"errorCode":400007}')
    playbook = at_hub(TWIN).receives(data(twin_get()), GetTwin(session=HUB_SESSION, tag="6 r1"))
    answer = Publish(topic=twin_response_topic(400, "r1"), payload=refusal.body, qos=1, packet_id=1)
    playbook.is_answered(refusal, sends(Puback(6), answer))


def test_a_twin_that_nobody_listens_for_is_only_acknowledged() -> None:
    playbook = at_hub().receives(data(twin_get()), GetTwin(session=HUB_SESSION, tag="6 r1"))
    playbook.is_answered(TwinDocument(b"{}"), sends(Puback(6)))


def test_an_outcome_that_is_no_twin_is_only_acknowledged() -> None:
    playbook = at_hub(TWIN).receives(data(twin_get()), GetTwin(session=HUB_SESSION, tag="6 r1"))
    playbook.is_answered(Done(), sends(Puback(6)))


def test_desired_properties_go_to_whoever_wants_them() -> None:
    event = DesiredPropertiesChanged(patch=b'{"a":1,"$version":4}', version=4)
    push = Publish(topic=desired_properties_topic(4), payload=event.patch, qos=1, packet_id=1)
    playbook = at_hub().happens(event)
    playbook.receives(data(Subscribe(1, ((DESIRED, 1),))), sends(Suback(1, (1,)))).happens(event, sends(push))
    playbook.receives(data(Unsubscribe(2, (DESIRED,))), sends(Unsuback(2))).happens(event)


def test_a_device_that_acknowledges_no_desired_properties_ends_its_connection() -> None:
    event = DesiredPropertiesChanged(patch=b"{}", version=4)
    playbook = at_hub(DESIRED)
    assert all(playbook.play(event) for _ in range(64))
    playbook.happens(event, CloseConnection("does not acknowledge what it is sent"))


def test_acknowledged_desired_properties_make_room() -> None:
    event = DesiredPropertiesChanged(patch=b"{}", version=4)
    playbook = at_hub(DESIRED)
    for packet_id in range(1, 200):
        push = Publish(topic=desired_properties_topic(4), payload=b"{}", qos=1, packet_id=packet_id)
        playbook.happens(event, sends(push)).receives(data(Puback(packet_id)))


# --- what is granted, and what is not -----------------------------------------------------------------------------


def test_filters() -> None:
    filters = [
        ("$iothub/methods/POST/#", 0),
        ("devices/dev-1/messages/devicebound/#", 1),
        ("devices/dev-2/messages/devicebound/#", 1),
        ("#", 1),
    ]
    at_hub().receives(data(Subscribe(1, tuple(filters))), sends(Suback(1, (0, 1, 0x80, 0x80))))


def test_unsubscribing_from_nothing() -> None:
    at_hub().receives(data(Unsubscribe(1, (TWIN, "#"))), sends(Unsuback(1)))


def test_an_answer_to_a_method_is_acknowledged_and_dropped() -> None:
    packet = Publish(topic="$iothub/methods/res/200/?$rid=1", payload=b"{}", qos=1, packet_id=8)
    at_hub().receives(data(packet), sends(Puback(8)))


def test_foreign_topic_ends_the_connection() -> None:
    packet = Publish(topic=events_topic("dev-2"), payload=b"x")
    at_hub().receives(data(packet), CloseConnection("a PUBLISH to a foreign topic"))


def test_answers_that_nobody_waits_for_are_dropped() -> None:
    playbook = at_hub(TWIN).happens(Answered(takes(), Done()))
    playbook.happens(Answered(GetTwin(session=HUB_SESSION, tag="6 r1"), TwinDocument(b"{}")))
    playbook.happens(Answered(OPEN_HUB_SESSION, HUB_SESSION))


def test_draining_waits_for_the_hub() -> None:
    playbook = at_hub().receives(data(telemetry()), takes()).happens(Draining())
    playbook.receives(data(telemetry(packet_id=6)))
    playbook.is_answered(Done(), sends(Puback(5)), CloseConnection("the server is stopping"))
