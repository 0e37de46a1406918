"""What a program has to know by itself when there is no SDK: names, tokens, topics, and how an answer is read.

For the programs that drive ordinary MQTT and AMQP clients; the counterpart in Node is `conformance/node/rhea_peer.js`.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

API_VERSION = "2019-03-31"
HUB_API_VERSION = "2021-04-12"
LIFETIME = 3600
RESPONSES = "$dps/registrations/res/#"

Request = dict[str, Any]


def registration_name(request: Request) -> str:
    """What a device is called: its SASL user name, the address of its links, the beginning of its MQTT user name."""
    return f"{request['idScope']}/registrations/{request['registrationId']}"


def token(resource: str, key: str) -> str:
    """A SAS token for an hour."""
    encoded, expiry = quote_plus(resource), int(time.time()) + LIFETIME
    digest = hmac.digest(base64.b64decode(key), f"{encoded}\n{expiry}".encode(), hashlib.sha256)
    return f"SharedAccessSignature sr={encoded}&sig={quote_plus(base64.b64encode(digest))}&se={expiry}"


@dataclass(frozen=True)
class MqttLogin:
    """How a device introduces itself in CONNECT; no password if its certificate speaks for it."""

    host: str
    client_id: str
    user_name: str
    password: str | None

    @classmethod
    def for_provisioning(cls, request: Request) -> "MqttLogin":
        name = registration_name(request)
        user_name = f"{name}/api-version={API_VERSION}"
        return cls(request["provisioningHost"], request["registrationId"], user_name, _password(request, name))

    @classmethod
    def for_hub(cls, request: Request) -> "MqttLogin":
        hub, device_id = request["hub"], request["deviceId"]
        user_name = f"{hub}/{device_id}/?api-version={HUB_API_VERSION}"
        return cls(hub, device_id, user_name, _password(request, f"{hub}/devices/{device_id}"))


def _password(request: Request, resource: str) -> str | None:
    return token(resource, request["symmetricKey"]) if "symmetricKey" in request else None


def register_topic(rid: int) -> str:
    return f"$dps/registrations/PUT/iotdps-register/?$rid={rid}"


def status_topic(rid: int, operation_id: str) -> str:
    return f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid={rid}&operationId={operation_id}"


@dataclass(frozen=True)
class Reply:
    """An answer of the service. The names are those that `lines.describe` looks for."""

    status_code: int
    text: str
    retry_after: float = 0

    @classmethod
    def from_topic(cls, topic: str, payload: str) -> "Reply":
        """`$dps/registrations/res/{status}/?$rid={rid}&retry-after={seconds}`."""
        status, _, properties = topic.removeprefix("$dps/registrations/res/").partition("/?")
        pairs = dict(pair.split("=", 1) for pair in properties.split("&"))
        return cls(int(status), payload, float(pairs.get("retry-after", 0)))


class Refused(Exception):
    """The service said no."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.response = reply


def assignment(reply: Reply, poll: Callable[[str], Reply]) -> dict[str, object]:
    """Ask with `poll` for the operation in `reply`, as often and as seldom as told; the registration at the end.

    Raises:
        Refused: an answer is an error.
    """
    while True:
        if reply.status_code >= 300:
            raise Refused(reply)
        answer = json.loads(reply.text)
        if answer["status"] != "assigning":
            return answer["registrationState"]
        time.sleep(reply.retry_after)
        reply = poll(answer["operationId"])
