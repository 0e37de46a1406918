"""A registration by TPM over AMQP: SASL's mechanism TPM, two links, and the questions on them.

As C# does it: the keys go by SASL, the requests carry none. `http_device.py` is the same over HTTPS.
"""

import json
import time
from typing import Any

from tests.sockets.amqp_peer import AmqpPeer
from tests.sockets.raw_amqp import (
    ACCEPTED,
    ATTACH,
    BEGIN,
    CHALLENGE,
    DATA,
    DISPOSITION,
    FLOW,
    MECHANISMS,
    OPEN,
    OUTCOME,
    TRANSFER,
    decode_all,
)
from tests.sockets.server_process import Deployment
from tests.tpm.device import TpmDevice
from tests.tpm.tokens import registration_token
from tests.unit.protocols.amqp import wire

_PATIENCE = 200
_PAUSE = 0.05
_STATE = 4
"""Where a disposition has its delivery state."""


class AmqpTpmDevice:
    """A TPM that registers under an ID. `token` is the last one that it has sent."""

    def __init__(self, deployment: Deployment, tpm: TpmDevice, registration_id: str) -> None:
        self._deployment = deployment
        self._tpm = tpm
        self._id = registration_id
        self._address = f"{deployment.id_scope}/registrations/{registration_id}"
        self.token = ""

    def register(self) -> dict[str, Any]:
        """The whole of it; the `registrationState` of the assignment."""
        with AmqpPeer(self._deployment) as peer:
            assert self._prove(peer) == 0
            self._attach(peer)
            began = self._ask(peer, 0, iotdps_operation_type=wire.text("iotdps-register"))
            assert began["status"] == "assigning", began
            return self._poll(peer, began["operationId"])

    def prove(self, token: str | None = None) -> int:
        """Nothing but the exchange of SASL; the code of its outcome. `token` is sent in place of the TPM's."""
        with AmqpPeer(self._deployment) as peer:
            return self._prove(peer, token)

    def _prove(self, peer: AmqpPeer, token: str | None = None) -> int:
        peer.send(wire.SASL)
        peer.expect_header(wire.SASL)
        assert "TPM" in peer.expect(MECHANISMS)[0]
        names = b"\0".join((self._deployment.id_scope.encode(), self._id.encode()))
        peer.send(wire.sasl_init("TPM", b"\0" + names + b"\0" + self._tpm.endorsement_key()))
        assert peer.expect(CHALLENGE) == [b"\0"]
        peer.send(wire.sasl_response(b"\0" + self._tpm.storage_root_key()))
        heard = peer.hear()
        if heard.code == OUTCOME:
            return int(heard.field(0))
        self._activate(peer, heard.field(0))
        self.token = token or registration_token(self._tpm, self._deployment.id_scope, self._id)
        peer.send(wire.sasl_response(b"\0" + self.token.encode()))
        return int(peer.expect(OUTCOME)[0])

    def _activate(self, peer: AmqpPeer, first: bytes) -> None:
        """The blob in its two parts; Java takes them under exactly these bytes."""
        peer.send(wire.sasl_response(b"\0"))
        last = peer.expect(CHALLENGE)[0]
        assert (first[:1], last[:1]) == (b"\x80", b"\xc1")
        self._tpm.activate(first[1:] + last[1:])

    def _attach(self, peer: AmqpPeer) -> None:
        peer.send(wire.AMQP + wire.opened("device", self._deployment.host) + wire.begun())
        peer.expect_header(wire.AMQP)
        version = wire.api_version()
        peer.send(wire.receiver("r", self._address, version) + wire.sender("s", self._address, version))
        peer.send(wire.credit(0, 100))
        for kind in (OPEN, BEGIN, ATTACH, ATTACH, FLOW):
            peer.expect(kind)

    def _ask(self, peer: AmqpPeer, delivery_id: int, **properties: bytes) -> dict[str, Any]:
        question = wire.application_properties(**properties) + wire.data_section(b"")
        peer.send(wire.transfer(question, delivery_id=delivery_id))
        state = peer.expect_behind_flows(DISPOSITION)[_STATE]
        assert state.code == ACCEPTED, state
        peer.expect_behind_flows(TRANSFER)
        (data,) = [section.value for section in decode_all(peer.payload) if section.code == DATA]
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _poll(self, peer: AmqpPeer, operation_id: str) -> dict[str, Any]:
        kind, operation = wire.text("iotdps-get-operationstatus"), wire.text(operation_id)
        for attempt in range(_PATIENCE):
            answer = self._ask(peer, 1 + attempt, iotdps_operation_type=kind, iotdps_operation_id=operation)
            if answer["status"] == "assigned":
                state: dict[str, Any] = answer["registrationState"]
                return state
            time.sleep(_PAUSE)
        raise AssertionError("the device was not assigned in time")
