"""The server under attack, and what must hold of it whatever is sent: healthy, well-formed answers, no secret told.

A `Site` hands out the keys, tokens and registration IDs that the tests use, and remembers them, so that answers and
log can be searched for every one.
"""

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.raw_http import Answer, exchange, request
from tests.sockets.server_process import Deployment, ServerProcess
from tests.sockets.signing import hub_token, service_token

_GROUP = "hostile-group"
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SIGNATURE = re.compile(r"\bsig=([^&]+)")
# Too short to be anybody's secret: the signatures of malformed tokens.
_SHORTEST_SECRET = 20


@dataclass
class Site:
    """A running server with one enrollment group."""

    server: ServerProcess
    deployment: Deployment
    group_key: str
    secrets: set[str] = field(default_factory=set)
    registration_ids: set[str] = field(default_factory=set)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    def open(cls, server: ServerProcess) -> "Site":
        """Start the server and enroll the group."""
        deployment = server.start()
        with Administrator(deployment) as administrator:
            key = administrator.enroll_group(_GROUP)
        return cls(server, deployment, key, {key, deployment.service_key, deployment.hub_key})

    def device(self) -> Device:
        """A device of the group that was never seen before."""
        device = Device(self.deployment, f"hostile-device-{next(self._numbers)}-end", self.group_key)
        self.registration_ids.add(device.registration_id)
        self.secrets.add(device.key)
        return device

    def witness(self, token: str) -> str:
        """Remember a token as a secret; returns it."""
        signatures = _SIGNATURE.findall(token)
        found = {token, *signatures, *map(unquote, signatures)}
        self.secrets |= {text for text in found if len(text) >= _SHORTEST_SECRET}
        return token

    def service_token(self) -> str:
        """A good token for the service API."""
        return self.witness(service_token(self.deployment))

    def hub_token(self) -> str:
        """A good token for the hub's REST API."""
        return self.witness(hub_token(self.deployment))

    def check_health(self) -> None:
        """The server says that it is ready, and a device that behaves is served."""
        answer = exchange(self.deployment, request("GET", "/readyz", [("Host", self.deployment.host)]))
        assert answer.status == 200, answer
        assert self.device().register_over_https().assignment is not None

    def check_refusal(self, answer: Answer, status: int, code: int) -> None:
        """An HTTP answer is this error, in the one shape of all errors, and tells no secret."""
        assert answer.status == status, answer
        assert answer.headers["content-type"].startswith("application/json"), answer
        assert answer.headers["x-ms-error-code"] == str(code), answer
        tracking_id = self.check_error_body(answer.body, code)
        assert answer.headers["x-ms-request-id"] == tracking_id, answer

    def check_error_body(self, body: bytes, code: int) -> str:
        """The JSON of an error, over any transport; its tracking ID."""
        error = json.loads(body)
        # The hub's REST API adds `Message`, which Node's client reads.
        assert {"errorCode", "trackingId", "message", "timestampUtc"} <= set(error), error
        assert set(error) <= {"errorCode", "trackingId", "message", "timestampUtc", "info", "Message"}, error
        assert error["errorCode"] == code, error
        assert error["message"]
        assert _GUID.fullmatch(error["trackingId"]), error
        assert datetime.fromisoformat(error["timestampUtc"]).tzinfo is not None
        assert all(isinstance(fact, str) for fact in error.get("info", {}).values())
        self.check_discretion(body.decode())
        tracking_id: str = error["trackingId"]
        return tracking_id

    def check_discretion(self, text: str) -> None:
        """No key and no token stands in a text."""
        told = [secret for secret in self.secrets if secret in text]
        assert not told, f"{len(told)} secrets stand in: {text[:2000]}"

    def check_log(self) -> None:
        """The log holds no traceback, no secret, no registration ID."""
        log = self.server.log()
        for sign in ("Traceback", '"crashed"', "Task exception", "Exception in callback", "never awaited"):
            assert sign not in log, log[max(log.index(sign) - 500, 0) :][:8000]
        self.check_discretion(log)
        named = [each for each in self.registration_ids if each in log]
        assert not named, f"the log names {len(named)} devices, {named[0]} among them"
