"""An administrator with a connection that stays open: JSON calls to the service API and to the hub's."""

import json
from typing import Any

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import Answer, read_answer, request
from tests.sockets.server_process import Deployment
from tests.sockets.signing import hub_token, service_token

VERSION = "2021-10-01"
HUB_VERSION = "2021-04-12"


class Administrator(Peer):
    """Calls by the owner's policies."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment, HTTPS)
        self._host = deployment.host
        self._service_token = service_token(deployment)
        self._hub_token = hub_token(deployment)

    def service(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A call to the service API; headers with `_` for `-`."""
        return self._call(method, f"{path}?api-version={VERSION}", self._service_token, body, headers)

    def hub(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A call to the hub's REST API; headers with `_` for `-`."""
        return self._call(method, f"{path}?api-version={HUB_VERSION}", self._hub_token, body, headers)

    def enroll_group(self, group_id: str) -> str:
        """Make a group; its primary key."""
        group = {"enrollmentGroupId": group_id, "attestation": {"type": "symmetricKey"}}
        answer = self.service("PUT", f"/enrollmentGroups/{group_id}", group)
        assert answer.status == 200, answer
        key: str = answer.json()["attestation"]["symmetricKey"]["primaryKey"]
        return key

    def _call(self, method: str, target: str, token: str, body: Any, extra: dict[str, str]) -> Answer:
        headers = [("Host", self._host), ("Authorization", token)]
        headers += [(name.replace("_", "-"), value) for name, value in extra.items()]
        if body is None:
            self.send(request(method, target, headers))
        else:
            headers.append(("Content-Type", "application/json"))
            self.send(request(method, target, headers, json.dumps(body).encode()))
        return read_answer(self)
