"""Drives Apache Qpid Proton: a registration over AMQP, by SASL PLAIN with a token or EXTERNAL with a certificate."""

import json
from typing import Any

from proton import Event, Message, SSLDomain
from proton.handlers import MessagingHandler
from proton.reactor import Container, LinkOption

from conformance.clients.lines import serve
from conformance.clients.peer import API_VERSION, Refused, Reply, Request, registration_name, token

PORT = 5671
STATUSES = {"amqp:unauthorized-access": 401, "amqp:not-found": 404}


class ApiVersion(LinkOption):
    """What SDKs say of themselves when they attach a link."""

    def apply(self, link: Any) -> None:
        link.properties = {"com.microsoft:api-version": API_VERSION}


class Registration(MessagingHandler):
    """One device, from its connection to its assignment or refusal."""

    def __init__(self, request: Request) -> None:
        super().__init__(auto_accept=True)
        self.state: dict[str, object] = {}
        self.failure: Exception | None = None
        self._request = request
        self._name = registration_name(request)
        self._asked = 0

    def on_start(self, event: Event) -> None:
        tls = SSLDomain(SSLDomain.MODE_CLIENT)
        tls.set_trusted_ca_db(self._request["caFile"])
        tls.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
        login: dict[str, Any] = {"allowed_mechs": "EXTERNAL"}
        if "symmetricKey" in self._request:
            password = token(self._name, self._request["symmetricKey"])
            login = {"allowed_mechs": "PLAIN", "user": self._name, "password": password}
        else:
            tls.set_credentials(self._request["certificateFile"], self._request["keyFile"], None)
        url = f"amqps://{self._request['provisioningHost']}:{PORT}"
        connection = event.container.connect(url, ssl_domain=tls, reconnect=False, heartbeat=10, **login)
        event.container.create_receiver(connection, self._name, options=ApiVersion())
        self._sender = event.container.create_sender(connection, self._name, options=ApiVersion())

    def on_sendable(self, event: Event) -> None:
        if not self._asked:
            body = json.dumps({"registrationId": self._request["registrationId"]}).encode()
            self._ask({"iotdps-operation-type": "iotdps-register"}, body)

    def on_message(self, event: Event) -> None:
        if event.message.correlation_id != self._asked:
            return self._fail(event, ValueError(f"an answer to question {event.message.correlation_id!r}"))
        answer = json.loads(bytes(event.message.body))
        if answer["status"] == "assigning":
            self._operation_id = answer["operationId"]
            return event.container.schedule(event.message.properties["retry-after"], self)
        self.state = answer["registrationState"]
        event.connection.close()

    def on_timer_task(self, event: Event) -> None:
        what = {"iotdps-operation-type": "iotdps-get-operationstatus", "iotdps-operation-id": self._operation_id}
        self._ask(what, b"")

    def on_rejected(self, event: Event) -> None:
        condition = event.delivery.remote.condition
        self._fail(event, Refused(Reply(STATUSES[condition.name], condition.description)))

    def on_link_error(self, event: Event) -> None:
        self._fail(event, ConnectionError(str(event.link.remote_condition)))

    def on_connection_error(self, event: Event) -> None:
        self._fail(event, ConnectionError(str(event.connection.remote_condition)))

    def on_transport_error(self, event: Event) -> None:
        self._fail(event, ConnectionError(str(event.transport.condition)))

    def _ask(self, what: dict[str, str], body: bytes) -> None:
        self._asked += 1
        # Inferred: bytes travel as a data section, not as a value that is binary.
        self._sender.send(Message(body=body, inferred=True, correlation_id=self._asked, properties=what))

    def _fail(self, event: Event, failure: Exception) -> None:
        self.failure = self.failure or failure
        event.connection.close()


def register(request: Request) -> object:
    registration = Registration(request)
    Container(registration).run()
    if registration.failure is not None:
        raise registration.failure
    return registration.state


if __name__ == "__main__":
    serve({"register": register})
