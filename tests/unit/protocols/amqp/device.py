"""Devices for the AMQP tests: what the services answer them, and connections that have come so far.

A device speaks through `wire.py`; what the server sends is compared as a whole with `sends`, or read by `read_all`.
"""

from collections.abc import Sequence

from tests.playbook import Playbook
from tests.unit.protocols.amqp import wire

from homeport.model.attestation import AttestationType, AttestedIdentity, EnrollmentReference, PresentedCredential
from homeport.model.identifiers import OperationId, RegistrationId, ServiceId
from homeport.model.registration import (
    DeviceRegistrationResult,
    RegistrationOperation,
    RegistrationOperationStatus,
    RegistrationStatus,
)
from homeport.protocols.amqp.frames import Frame, FrameReader, FrameType, encode_frame
from homeport.protocols.amqp.performatives import Performative
from homeport.protocols.amqp.session import AmqpSession
from homeport.protocols.conversation import (
    Attest,
    Command,
    ConnectionOpened,
    DataReceived,
    Refusal,
    RequestWakeup,
    SendData,
)

SCOPE = "0ne00000001"
DEVICE = "dev-1"
ADDRESS = f"{SCOPE}/registrations/{DEVICE}"
TOKEN = "SharedAccessSignature sr=x&sig=y&se=1"
CHAIN = (b"leaf", b"issuer")
CONNECT_TIMEOUT = 10.0

IDENTITY = AttestedIdentity(
    service_id=ServiceId(1),
    registration_id=RegistrationId(DEVICE),
    attestation_type=AttestationType.SYMMETRIC_KEY,
    enrollment=EnrollmentReference(),
)
ATTEST_TOKEN = Attest(
    id_scope=SCOPE, registration_id=RegistrationId(DEVICE), credential=PresentedCredential(sas_token=TOKEN)
)
ATTEST_CERTIFICATE = Attest(
    id_scope=SCOPE, registration_id=RegistrationId(DEVICE), credential=PresentedCredential(certificate_chain=CHAIN)
)

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
            registration_id=DEVICE, status=RegistrationStatus.ASSIGNED, assigned_hub="hub.example", device_id=DEVICE
        ),
    )
)
ASSIGNED_JSON = (
    b'{"operationId":"5.0123456789abcdef.1","status":"assigned","registrationState":'
    b'{"registrationId":"dev-1","status":"assigned","assignedHub":"hub.example","deviceId":"dev-1"}}'
)
UNAUTHORIZED = Refusal(status=401, code=401002, body=b'{"errorCode":401002}')
UNAVAILABLE = Refusal(status=503, code=503001, body=b'{"errorCode":503001}', retry_after=5)

OFFER = wire.SASL + wire.mechanisms("PLAIN", "TPM")
PLAIN = f"\0{ADDRESS}\0{TOKEN}".encode()


def sends(*performatives: Performative) -> SendData:
    """The command that sends frames in one piece."""
    return SendData(b"".join(map(encode_frame, performatives)))


def read_all(commands: Sequence[Command], frame_type: FrameType = FrameType.AMQP) -> list[Frame]:
    """The frames that were sent; a header before them is passed over."""
    reader = FrameReader(1 << 20)
    for command in commands:
        if isinstance(command, SendData):
            reader.feed(command.data.removeprefix(wire.AMQP).removeprefix(OFFER))
    return list(iter(lambda: reader.next_frame(frame_type), None))


def sent_to(playbook: Playbook, data: bytes) -> list[object]:
    """The performatives that a device gets for these bytes."""
    return [frame.performative for frame in read_all(playbook.play(DataReceived(data)))]


def connected(*, certificate_chain: tuple[bytes, ...] = ()) -> Playbook:
    """A connection that has just been made."""
    playbook = Playbook(AmqpSession(connect_timeout=CONNECT_TIMEOUT, certificate_chain=certificate_chain))
    playbook.play(ConnectionOpened())
    return playbook


def proved() -> Playbook:
    """A device whose token SASL has taken."""
    playbook = connected()
    playbook.play(DataReceived(wire.SASL + wire.sasl_init("PLAIN", PLAIN)))
    playbook.is_answered(IDENTITY, SendData(wire.sasl_outcome(0)), RequestWakeup(200))
    return playbook


def in_session(playbook: Playbook) -> Playbook:
    """The same connection with a session."""
    playbook.play(DataReceived(wire.AMQP + wire.opened("device", "host") + wire.begun()))
    return playbook


def linked(*, receive_credit: int = 10) -> Playbook:
    """A device with a token, and both links, ready to ask: handle 0 receives, handle 1 sends."""
    playbook = in_session(proved())
    links = wire.receiver("r", ADDRESS, wire.api_version()) + wire.sender("s", ADDRESS, wire.api_version())
    playbook.play(DataReceived(links + wire.credit(0, receive_credit)))
    return playbook


def register(body: bytes = b"", *, delivery_id: int = 0, correlation_id: bytes = wire.NULL) -> bytes:
    """A transfer that asks to be registered."""
    message = (
        wire.message_properties(correlation_id)
        + wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
        + wire.data_section(body)
    )
    return wire.transfer(message, delivery_id=delivery_id)


def poll(operation_id: str = OPERATION_ID, *, body: bytes = b"", delivery_id: int = 1) -> bytes:
    """A transfer that asks for an operation."""
    pairs = wire.application_properties(
        iotdps_operation_type=wire.text("iotdps-get-operationstatus"), iotdps_operation_id=wire.text(operation_id)
    )
    return wire.transfer(pairs + body, delivery_id=delivery_id)
