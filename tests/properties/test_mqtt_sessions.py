"""A whole MQTT session against a peer that sends anything at any time.

Nothing may escape `receive`; output stays in proportion to input; after the end there is silence; and every
question is asked in a form that the services can take.
"""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.playbook import Playbook
from tests.properties.mqtt import PACKETS, STREAMS

from homeport.model.attestation import AttestationType, AttestedIdentity, EnrollmentReference
from homeport.model.identifiers import RegistrationId, ServiceId, parse_registration_id
from homeport.model.registration import RegistrationOperation, RegistrationOperationStatus, RegistrationStatus
from homeport.protocols.conversation import (
    Answered,
    Attest,
    CloseConnection,
    Command,
    ConnectionOpened,
    DataReceived,
    DesiredPropertiesChanged,
    Displaced,
    Done,
    Draining,
    Event,
    HubSession,
    OpenHubSession,
    Outcome,
    Refusal,
    Refuse,
    RequestWakeup,
    SendData,
    TwinDocument,
    WakeupReached,
)
from homeport.protocols.mqtt import dps_topics, hub_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connect, Packet, Pingreq, Puback, Publish, Subscribe
from homeport.protocols.mqtt.session import MqttSession

DEVICE = "dev-1"
CONNECTS = [
    Connect(client_id=DEVICE, user_name=dps_topics.user_name("0ne1", DEVICE, "2019-03-31"), password=b"token"),
    Connect(client_id=DEVICE, user_name=hub_topics.user_name("hub", DEVICE, "2021-04-12"), password=b"token"),
]
SENSIBLE: list[Packet] = [
    Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1), ("$iothub/twin/res/#", 1))),
    Subscribe(2, (("$iothub/twin/PATCH/properties/desired/#", 1),)),
    Publish(topic=dps_topics.register_topic("1"), payload=b'{"payload":1}', qos=1, packet_id=1),
    Publish(topic=dps_topics.status_topic("2", "5.1"), qos=1, packet_id=2, duplicate=True),
    Publish(topic=hub_topics.events_topic(DEVICE, [("a", "b")]), payload=b"x", qos=1, packet_id=3),
    Publish(topic=hub_topics.twin_get_topic("4")),
    Publish(topic=hub_topics.twin_patch_topic("5"), payload=b"{}", qos=1, packet_id=4),
    Puback(1),
    Pingreq(),
]
OUTCOMES: list[Outcome] = [
    AttestedIdentity(
        service_id=ServiceId(1),
        registration_id=RegistrationId(DEVICE),
        attestation_type=AttestationType.SYMMETRIC_KEY,
        enrollment=EnrollmentReference(),
    ),
    HubSession(hub_host_name="hub", device_id=DEVICE, expires_in=100),
    RegistrationOperation(
        body=RegistrationOperationStatus(operation_id="5.1", status=RegistrationStatus.ASSIGNING), retry_after=3
    ),
    Refusal(status=401, code=401002, body=b"{}"),
    Refusal(status=503, code=503001, body=b"{}", retry_after=5),
    TwinDocument(b"{}"),
    Done(),
]
EVENTS: list[Event] = [
    ConnectionOpened(),
    WakeupReached(),
    DesiredPropertiesChanged(patch=b"{}", version=2),
    Displaced(),
    Draining(),
]
# Per packet at most a response topic with its request ID, and a body of these tests' outcomes.
MOST_PER_BYTE, MOST_PER_EVENT = 8, 2048

USER_NAMES = st.text(max_size=80) | st.builds(
    "".join,
    st.lists(st.sampled_from(["hub", DEVICE, "registrations", "/", "/", "/", "?", "api-version=2019-03-31", "&"])),
)
steps = st.one_of(
    st.sampled_from(SENSIBLE).map(encode),
    st.sampled_from(SENSIBLE).map(encode),
    PACKETS.map(encode),
    STREAMS.map(b"".join),
    st.sampled_from(OUTCOMES),
    st.sampled_from(OUTCOMES),
    st.sampled_from(EVENTS),
)


def opening(connect: Connect) -> Playbook:
    playbook = Playbook(MqttSession(connect_timeout=10))
    playbook.play(ConnectionOpened())
    playbook.play(DataReceived(encode(connect)))
    return playbook


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
@given(st.sampled_from(CONNECTS), st.integers(0, 3), st.lists(steps, max_size=25))
def test_any_story_is_survived(connect: Connect, outcome: int, story: "list[bytes | Outcome | Event]") -> None:
    playbook = opening(connect)
    ended, received = False, 0
    for step in [OUTCOMES[outcome], *story]:
        received += len(step) if isinstance(step, bytes) else 0
        commands = play(playbook, step)
        assert not (ended and commands)
        check(commands, received=received)
        ended = ended or any(isinstance(command, CloseConnection) for command in commands)


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_any_first_bytes_are_survived(stream: list[bytes]) -> None:
    session = MqttSession(connect_timeout=10)
    for piece in stream:
        check(session.receive(DataReceived(piece)), received=len(piece))


@settings(max_examples=200, deadline=None)
@given(USER_NAMES, st.just(DEVICE) | st.text(max_size=40), st.none() | st.binary(max_size=40))
def test_any_connect_is_judged(user_name: str, client_id: str, password: bytes | None) -> None:
    text = user_name.encode(errors="replace").decode().replace("\0", "")
    name = client_id.encode(errors="replace").decode().replace("\0", "")
    session = MqttSession(connect_timeout=10)
    commands = session.receive(DataReceived(encode(Connect(client_id=name, user_name=text, password=password))))
    if len(commands) == 1:
        assert isinstance(commands[0], Attest | OpenHubSession | Refuse)
    else:
        assert [type(command) for command in commands] == [SendData, CloseConnection]
