"""A device with a symmetric key on one AMQP connection, and how it is answered: accepted with a body, or rejected.

As C# does it (SASL PLAIN, two links); `tests/tpm/amqp_device.py` is the same for a TPM.
"""

import json

from tests.faults.told import Told
from tests.sockets.amqp_peer import AmqpPeer
from tests.sockets.devices import Device
from tests.sockets.raw_amqp import (
    ACCEPTED,
    ATTACH,
    BEGIN,
    DATA,
    DISPOSITION,
    FLOW,
    MECHANISMS,
    OPEN,
    OUTCOME,
    TRANSFER,
    Described,
    decode_all,
)
from tests.unit.protocols.amqp import wire

_STATE = 4
"""Where a disposition has its delivery state."""


class AmqpDevice:
    """A connection whose proof holds, with its links; `register` may be asked again and again."""

    def __init__(self, device: Device) -> None:
        self._address = f"{device.deployment.id_scope}/registrations/{device.registration_id}"
        self._peer = AmqpPeer(device.deployment)
        self._asked = 0
        self._prove(device)
        self._attach(device.deployment.host)

    def register(self) -> Told:
        """Ask to be registered."""
        question = wire.application_properties(iotdps_operation_type=wire.text("iotdps-register"))
        self._peer.send(wire.transfer(question + wire.data_section(b""), delivery_id=self._asked))
        self._asked += 1
        state = self._peer.expect_behind_flows(DISPOSITION)[_STATE]
        if state.code != ACCEPTED:
            return _refusal(state.field(0))
        self._peer.expect_behind_flows(TRANSFER)
        (data,) = [section.value for section in decode_all(self._peer.payload) if section.code == DATA]
        return Told(202, body=json.loads(data))

    def close(self) -> None:
        """Leave without a word."""
        self._peer.close()

    def _prove(self, device: Device) -> None:
        self._peer.send(wire.SASL)
        self._peer.expect_header(wire.SASL)
        self._peer.expect(MECHANISMS)
        self._peer.send(wire.sasl_init("PLAIN", f"\0{self._address}\0{device.token}".encode()))
        assert self._peer.expect(OUTCOME)[0] == 0

    def _attach(self, host: str) -> None:
        self._peer.send(wire.AMQP + wire.opened("device", host) + wire.begun())
        self._peer.expect_header(wire.AMQP)
        version = wire.api_version()
        self._peer.send(wire.receiver("r", self._address, version) + wire.sender("s", self._address, version))
        self._peer.send(wire.credit(0, 100))
        for kind in (OPEN, BEGIN, ATTACH, ATTACH, FLOW):
            self._peer.expect(kind)


def _refusal(error: Described) -> Told:
    body = json.loads(error.field(1))
    info = {str(key): value for key, value in (error.field(2) or {}).items()}
    return Told(body["errorCode"] // 1000, body=body, retry_after=info.get("retry-after"))
