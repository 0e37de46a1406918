"""What holds for every MQTT connection, whoever the device talks to."""

import pytest
from tests.unit.protocols.mqtt.device import (
    ATTEST,
    IDENTITY,
    KEEP_ALIVE,
    at_hub,
    attested,
    data,
    dps_connect,
    hub_connect,
    listening,
    opened,
    sends,
)

from homeport.model.attestation import PresentedCredential
from homeport.protocols.conversation import (
    Answered,
    Attest,
    CloseConnection,
    ConnectionClosed,
    DataReceived,
    DesiredPropertiesChanged,
    Displaced,
    Draining,
    RequestWakeup,
    WakeupReached,
)
from homeport.protocols.mqtt.dps_topics import register_topic
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import (
    Connack,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from homeport.protocols.mqtt.session import MAX_BACKLOG_BEFORE_CONNACK, MqttSession

STOPPING = CloseConnection("the server is stopping")


def test_a_connect_that_never_comes() -> None:
    opened().happens(WakeupReached(), CloseConnection("no CONNECT in time"))


def test_a_connect_that_comes_too_slowly() -> None:
    playbook = opened()
    for byte in encode(dps_connect())[:5]:
        playbook.receives(bytes((byte,)))
    playbook.happens(WakeupReached(), CloseConnection("no CONNECT in time"))


def test_a_connect_that_the_services_never_answer() -> None:
    opened().receives(data(dps_connect()), ATTEST).happens(WakeupReached(), CloseConnection("no CONNECT in time"))


@pytest.mark.parametrize("packet", [Pingreq(), Subscribe(1, (("a", 0),)), Publish(topic="a"), Disconnect()], ids=repr)
def test_a_first_packet_that_is_not_connect(packet: Packet) -> None:
    opened().receives(data(packet), CloseConnection("the first packet is not CONNECT"))


def test_a_second_connect() -> None:
    attested().receives(data(dps_connect()), CloseConnection("a second CONNECT"))


@pytest.mark.parametrize(
    ("body", "level"),
    [(b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03dev", 5), (b"\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x03dev", 3)],
    ids=["MQTT 5", "MQTT 3.1"],
)
def test_another_version_of_mqtt(body: bytes, level: int) -> None:
    opened().receives(
        bytes((0x10, len(body))) + body,
        sends(Connack(ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)),
        CloseConnection(f"MQTT protocol level {level}"),
    )


def test_another_version_of_mqtt_in_a_second_connect() -> None:
    attested().receives(b"\x10\x07\x00\x04MQTT\x05", CloseConnection("MQTT protocol level 5"))


def test_http_on_the_wrong_port() -> None:
    request = b"GET / HTTP/1.1\r\nHost: hub.example\r\nAccept: text/html,application/json\r\n\r\n"
    opened().receives(request, CloseConnection("reserved flags 0b0111 in packet type 4"))


def test_a_connect_that_is_too_large() -> None:
    opened().receives(b"\x10\x81\x40", CloseConnection("a packet of 8193 bytes where 8192 are the limit"))


def test_packets_before_connack_wait_for_it() -> None:
    subscribe = Subscribe(1, (("$dps/registrations/res/#", 1),))
    playbook = opened().receives(data(dps_connect(), subscribe, Pingreq()), ATTEST).receives(data(Pingreq()))
    playbook.is_answered(
        IDENTITY,
        sends(Connack(ReturnCode.ACCEPTED), Suback(1, (1,)), Pingresp(), Pingresp()),
        RequestWakeup(KEEP_ALIVE / 2),
    )


def test_too_many_packets_before_connack() -> None:
    flood = data(*[Pingreq()] * (MAX_BACKLOG_BEFORE_CONNACK // 2 + 1))
    opened().receives(data(dps_connect()) + flood, ATTEST, CloseConnection("sends faster than it is answered"))


def test_ping() -> None:
    attested().receives(data(Pingreq()), sends(Pingresp()))


def test_disconnect_ends_the_connection_and_what_follows_is_not_read() -> None:
    attested().receives(data(Disconnect(), Pingreq()), CloseConnection("the client disconnected"))


def test_malformed_packet_ends_the_connection_after_what_came_before_it() -> None:
    attested().receives(
        data(Pingreq()) + b"\x82\x02\x00\x01",
        sends(Pingresp()),
        CloseConnection("a SUBSCRIBE without a topic filter"),
    )


@pytest.mark.parametrize(
    "packet", [Connack(ReturnCode.ACCEPTED), Suback(1, (0,)), Unsuback(1), Pingresp()], ids=lambda packet: repr(packet)
)
def test_a_packet_from_the_wrong_side(packet: Packet) -> None:
    attested().receives(data(packet), CloseConnection("a packet that only servers send"))


def test_qos_2_is_granted_as_1() -> None:
    attested().receives(data(Subscribe(1, (("$dps/registrations/res/#", 2),))), sends(Suback(1, (1,))))


def test_qos_2_publish_ends_the_connection() -> None:
    packet = Publish(topic=register_topic("1"), qos=2, packet_id=1)
    listening().receives(data(packet), CloseConnection("a PUBLISH of QoS 2"))


def test_unsubscribe_is_answered_whatever_it_names() -> None:
    attested().receives(data(Unsubscribe(9, ("$dps/registrations/res/#", "a/+"))), sends(Unsuback(9)))


def test_an_acknowledgement_of_nothing_is_ignored() -> None:
    attested().receives(data(Puback(77)))


def test_silence_ends_the_connection() -> None:
    beat = RequestWakeup(KEEP_ALIVE / 2)
    playbook = attested().happens(WakeupReached(), beat)
    playbook.receives(data(Pingreq()), sends(Pingresp()))
    playbook.happens(WakeupReached(), beat).happens(WakeupReached(), beat).happens(WakeupReached(), beat)
    playbook.happens(WakeupReached(), CloseConnection("silent for longer than its keep-alive"))


def test_packets_do_not_touch_the_timer() -> None:
    playbook = attested()
    for _ in range(3):
        playbook.receives(data(Pingreq()), sends(Pingresp()))


def test_the_certificate_of_the_handshake_is_a_credential() -> None:
    credential = PresentedCredential(certificate_chain=(b"leaf", b"ca"))
    opened(certificate_chain=(b"leaf", b"ca")).receives(
        data(dps_connect(password=None)),
        Attest(id_scope=ATTEST.id_scope, registration_id=ATTEST.registration_id, credential=credential),
    )


def test_a_password_that_is_no_text_is_a_credential_that_fails() -> None:
    opened().receives(
        data(dps_connect(password=b"\xff")),
        Attest(
            id_scope=ATTEST.id_scope,
            registration_id=ATTEST.registration_id,
            credential=PresentedCredential(sas_token="\ufffd"),
        ),
    )


@pytest.mark.parametrize("user_name", [None, "", "anybody", "a/b/c/d"])
def test_a_user_name_of_no_known_form(user_name: str | None) -> None:
    password = None if user_name is None else b"password"
    code = ReturnCode.IDENTIFIER_REJECTED if user_name == "a/b/c/d" else ReturnCode.BAD_USER_NAME_OR_PASSWORD
    commands = opened().play(DataReceived(data(hub_connect(user_name=user_name, password=password))))
    assert commands[0] == sends(Connack(code))
    assert isinstance(commands[1], CloseConnection)


def test_draining_before_connect() -> None:
    opened().happens(Draining(), STOPPING)


def test_draining_during_connect() -> None:
    playbook = opened().receives(data(dps_connect()), ATTEST)
    playbook.happens(Draining(), sends(Connack(ReturnCode.SERVER_UNAVAILABLE)), STOPPING)
    playbook.is_answered(IDENTITY)


def test_draining_without_a_question() -> None:
    attested().happens(Draining(), STOPPING)


def test_displaced() -> None:
    reason = "displaced by a newer connection of the device, or removed"
    at_hub().happens(Displaced(), CloseConnection(reason))


def test_desired_properties_of_nobody() -> None:
    attested().happens(DesiredPropertiesChanged(patch=b"{}", version=2))


def test_an_answer_before_any_question() -> None:
    opened().happens(Answered(ATTEST, IDENTITY))


def test_nothing_comes_after_the_end() -> None:
    playbook = attested().happens(ConnectionClosed())
    playbook.receives(data(Pingreq())).happens(WakeupReached()).happens(Draining()).happens(Displaced())


def test_kind() -> None:
    session = MqttSession(connect_timeout=1)
    assert session.kind == ""
    session.receive(DataReceived(data(dps_connect())))
    assert session.kind == "dps"
    session = MqttSession(connect_timeout=1)
    session.receive(DataReceived(data(hub_connect())))
    assert session.kind == "hub"
