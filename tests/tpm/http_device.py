"""A registration by TPM over HTTPS, step by step as C, C#, Java and Node take them.

Each step is a method, so that a test can leave the path; `register` walks it to its end. `amqp_device.py` is the same
over the other transport that has TPMs.
"""

import base64
import json
import time
from typing import Any

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import Answer, read_answer, request
from tests.sockets.server_process import Deployment
from tests.tpm.device import TpmDevice
from tests.tpm.tokens import registration_token

_VERSION = "2021-06-01"
_PATIENCE = 200
_PAUSE = 0.05


class HttpTpmDevice:
    """A TPM that registers under an ID. `token` answers the newest challenge that it has taken."""

    def __init__(self, deployment: Deployment, tpm: TpmDevice, registration_id: str) -> None:
        self._deployment = deployment
        self._tpm = tpm
        self._id = registration_id
        self.token = ""

    def register(self) -> dict[str, Any]:
        """The whole of it; the `registrationState` of the assignment."""
        self.take_challenge()
        return self.poll(self.begin().json()["operationId"])

    def take_challenge(self) -> None:
        """Show the keys, let the TPM take the key out of the blob that comes back, and sign a token with it."""
        answer = self.show_keys()
        challenge = answer.json()
        assert (answer.status, challenge["keyName"], "status" in challenge) == (401, "registration", False), challenge
        self._tpm.activate(base64.b64decode(challenge["authenticationKey"]))
        self.token = registration_token(self._tpm, self._deployment.id_scope, self._id)

    def show_keys(self) -> Answer:
        """The first request: the public keys, and no token."""
        return self._ask("PUT", "register", self._keys())

    def begin(self, token: str | None = None) -> Answer:
        """The second request: the same with a token, `self.token` unless another one is given."""
        return self._ask("PUT", "register", self._keys(), token or self.token)

    def poll(self, operation_id: str) -> dict[str, Any]:
        """Ask, with nothing but the token, until the device is assigned."""
        for _ in range(_PATIENCE):
            answer = self._ask("GET", f"operations/{operation_id}", None, self.token)
            assert answer.status in (200, 202), answer
            if answer.status == 200:
                assert answer.json()["status"] == "assigned", answer
                state: dict[str, Any] = answer.json()["registrationState"]
                return state
            time.sleep(_PAUSE)
        raise AssertionError("the device was not assigned in time")

    def _keys(self) -> bytes:
        keys = {"endorsementKey": self._tpm.endorsement_key(), "storageRootKey": self._tpm.storage_root_key()}
        tpm = {name: base64.b64encode(key).decode() for name, key in keys.items()}
        return json.dumps({"registrationId": self._id, "tpm": tpm}).encode()

    def _ask(self, method: str, what: str, body: bytes | None, token: str = "") -> Answer:
        target = f"/{self._deployment.id_scope}/registrations/{self._id}/{what}?api-version={_VERSION}"
        headers = [("Host", self._deployment.host), ("Content-Type", "application/json; charset=utf-8")]
        with Peer(self._deployment, HTTPS) as peer:
            peer.send(request(method, target, [*headers, *([("Authorization", token)] if token else [])], body))
            return read_answer(peer)
