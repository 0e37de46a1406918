"""Devices for the sessions' tests: what each SDK sends, and what the services would answer."""

from tests.playbook import Playbook

from homeport.model.attestation import AttestationType, AttestedIdentity, EnrollmentReference, PresentedCredential
from homeport.model.identifiers import OperationId, RegistrationId, ServiceId
from homeport.model.registration import (
    DeviceRegistrationResult,
    RegistrationOperation,
    RegistrationOperationStatus,
    RegistrationStatus,
)
from homeport.protocols.conversation import (
    Attest,
    ConnectionOpened,
    HubSession,
    OpenHubSession,
    Refusal,
    RequestWakeup,
    SendData,
)
from homeport.protocols.mqtt import dps_topics, hub_topics
from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connack, Connect, Packet, ReturnCode, Suback, Subscribe
from homeport.protocols.mqtt.session import MqttSession

SCOPE = "0ne00000001"
DEVICE = "dev-1"
HUB = "hub.example"
TOKEN = "SharedAccessSignature sr=x&sig=y&se=1"
CREDENTIAL = PresentedCredential(sas_token=TOKEN)
CONNECT_TIMEOUT = 10.0
KEEP_ALIVE = 60

IDENTITY = AttestedIdentity(
    service_id=ServiceId(1),
    registration_id=RegistrationId(DEVICE),
    attestation_type=AttestationType.SYMMETRIC_KEY,
    enrollment=EnrollmentReference(),
)
ATTEST = Attest(id_scope=SCOPE, registration_id=RegistrationId(DEVICE), credential=CREDENTIAL)
OPEN_HUB_SESSION = OpenHubSession(hub_host_name=HUB, device_id=DEVICE, credential=CREDENTIAL)
HUB_SESSION = HubSession(hub_host_name=HUB, device_id=DEVICE, expires_in=3600)

OPERATION_ID = OperationId("5.0123456789abcdef.1")
ASSIGNING = RegistrationOperation(
    body=RegistrationOperationStatus(operation_id=OPERATION_ID, status=RegistrationStatus.ASSIGNING), retry_after=3
)
ASSIGNING_JSON = b'{"operationId":"5.0123456789abcdef.1","status":"assigning"}'
ASSIGNED = RegistrationOperation(
    body=RegistrationOperationStatus(
        operation_id=OPERATION_ID,
        status=RegistrationStatus.ASSIGNED,
        registration_state=DeviceRegistrationResult(
            registration_id=DEVICE, status=RegistrationStatus.ASSIGNED, assigned_hub=HUB, device_id=DEVICE
        ),
    )
)
ASSIGNED_JSON = (
    b'{"operationId":"5.0123456789abcdef.1","status":"assigned","registrationState":'
    b'{"registrationId":"dev-1","status":"assigned","assignedHub":"hub.example","deviceId":"dev-1"}}'
)
UNAUTHORIZED = Refusal(status=401, code=401002, body=b'{"errorCode":401002}')
UNAVAILABLE = Refusal(status=503, code=503001, body=b'{"errorCode":503001}', retry_after=5)


def data(*packets: Packet) -> bytes:
    """Packets in one piece."""
    return b"".join(map(encode, packets))


def sends(*packets: Packet) -> SendData:
    """The command that sends packets in one piece."""
    return SendData(data(*packets))


def dps_connect(
    *,
    client_id: str = DEVICE,
    user_name: str | None = dps_topics.user_name(SCOPE, DEVICE, "2019-03-31"),
    password: bytes | None = TOKEN.encode(),
    keep_alive: int = KEEP_ALIVE,
) -> Connect:
    """A device's CONNECT to the provisioning service; like Python it wants its session kept."""
    return Connect(
        client_id=client_id, clean_session=False, keep_alive=keep_alive, user_name=user_name, password=password
    )


def hub_connect(
    *,
    client_id: str = DEVICE,
    user_name: str | None = hub_topics.user_name(HUB, DEVICE, "2021-04-12"),
    password: bytes | None = TOKEN.encode(),
    keep_alive: int = KEEP_ALIVE,
) -> Connect:
    """A device's CONNECT to its hub."""
    return Connect(client_id=client_id, keep_alive=keep_alive, user_name=user_name, password=password)


def opened(*, certificate_chain: tuple[bytes, ...] = ()) -> Playbook:
    """A connection that has just been made."""
    session = MqttSession(connect_timeout=CONNECT_TIMEOUT, certificate_chain=certificate_chain)
    return Playbook(session).happens(ConnectionOpened(), RequestWakeup(CONNECT_TIMEOUT))


def attested() -> Playbook:
    """A device whose CONNECT the provisioning service has accepted."""
    return (
        opened()
        .receives(data(dps_connect()), ATTEST)
        .is_answered(IDENTITY, sends(Connack(ReturnCode.ACCEPTED)), RequestWakeup(KEEP_ALIVE / 2))
    )


def listening(*, qos: int = 1) -> Playbook:
    """An attested device that has subscribed to responses."""
    return attested().receives(
        data(Subscribe(1, ((dps_topics.RESPONSE_FILTER, qos),))), sends(Suback(1, (min(qos, 1),)))
    )


def at_hub(*filters: str, qos: int = 1) -> Playbook:
    """A device that its hub has let in, with subscriptions."""
    playbook = (
        opened()
        .receives(data(hub_connect()), OPEN_HUB_SESSION)
        .is_answered(HUB_SESSION, sends(Connack(ReturnCode.ACCEPTED)), RequestWakeup(KEEP_ALIVE / 2))
    )
    for topic_filter in filters:
        playbook.receives(data(Subscribe(1, ((topic_filter, qos),))), sends(Suback(1, (qos,))))
    return playbook
