"""Drives `azure-iot-device`: provisioning over MQTT, then the device's life at its hub.

Single registrations use the synchronous client, `registerMany` the asyncio one, so that both surfaces are judged.
Hub verbs share one connection per process: `hubConnect` opens it, `hubDisconnect` closes it.
"""

import asyncio
import pkgutil
import queue
from pathlib import Path
from typing import Any

from azure.iot.device import X509, IoTHubDeviceClient, Message, ProvisioningDeviceClient
from azure.iot.device.aio import ProvisioningDeviceClient as AsyncProvisioningDeviceClient
from azure.iot.device.provisioning import pipeline

from conformance.clients.lines import describe, serve

Request = dict[str, Any]
PATCH_SECONDS = 20
WEBSOCKETS = {"MQTT": False, "MQTT over WebSocket": True}
"""Transport → the SDK's switch for it."""


def register(request: Request) -> dict[str, object]:
    """Register one device over MQTT and tell what the SDK was told."""
    client = _client(ProvisioningDeviceClient, request)
    if "payload" in request:
        client.provisioning_payload = request["payload"]
    return _outcome(client.register())


def register_many(request: Request) -> list[dict[str, object]]:
    """Register all `devices` of the request at the same time; a failure stands in its device's place."""
    return asyncio.run(_register_all(request))


async def _register_all(request: Request) -> list[dict[str, object]]:
    common = {key: value for key, value in request.items() if key != "devices"}
    return await asyncio.gather(*(_register_async(common | device) for device in request["devices"]))


async def _register_async(request: Request) -> dict[str, object]:
    client = _client(AsyncProvisioningDeviceClient, request)
    try:
        return _outcome(await client.register())
    except Exception as error:
        return {"error": describe(error)}


def _client(kind: Any, request: Request) -> Any:
    """A client with the credential that the request brings: a key, or the files of a certificate and its key."""
    if "certificateFile" in request:
        return kind.create_from_x509_certificate(x509=_certificate(request), **_provisioning(request))
    return kind.create_from_symmetric_key(symmetric_key=request["symmetricKey"], **_provisioning(request))


def _certificate(request: Request) -> X509:
    return X509(cert_file=request["certificateFile"], key_file=request["keyFile"])


def _provisioning(request: Request) -> dict[str, object]:
    return {
        "provisioning_host": request["provisioningHost"],
        "registration_id": request["registrationId"],
        "id_scope": request["idScope"],
        "websockets": WEBSOCKETS[request["transport"]],
        "server_verification_cert": Path(request["caFile"]).read_text(),
    }


def _outcome(result: Any) -> dict[str, object]:
    state = result.registration_state
    return {
        "status": result.status,
        "assignedHub": state.assigned_hub,
        "deviceId": state.device_id,
        "substatus": state.sub_status,
    }


class HubConnection:
    """One device's connection to its hub, and the desired-property patches that came in over it."""

    def __init__(self) -> None:
        self.client: IoTHubDeviceClient | None = None
        self.patches: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()

    def connect(self, request: Request) -> None:
        common = {
            "hostname": request["hub"],
            "device_id": request["deviceId"],
            "server_verification_cert": Path(request["caFile"]).read_text(),
            "websockets": WEBSOCKETS[request["transport"]],
            "connection_retry": False,
        }
        if "certificateFile" in request:
            self.client = IoTHubDeviceClient.create_from_x509_certificate(x509=_certificate(request), **common)
        else:
            self.client = IoTHubDeviceClient.create_from_symmetric_key(symmetric_key=request["symmetricKey"], **common)
        self.client.connect()

    def send(self, request: Request) -> None:
        message = Message(request["body"], message_id=request["messageId"], content_type="application/json")
        message.custom_properties.update(request["properties"])
        self.client.send_message(message)

    def twin(self, _request: Request) -> object:
        return self.client.get_twin()

    def report(self, request: Request) -> None:
        self.client.patch_twin_reported_properties(request["patch"])

    def watch(self, _request: Request) -> None:
        self.client.on_twin_desired_properties_patch_received = self.patches.put

    def patch(self, request: Request) -> dict[str, object]:
        """The next desired-properties patch that carries `property`."""
        while True:
            patch = self.patches.get(timeout=PATCH_SECONDS)
            if request["property"] in patch:
                return patch

    def disconnect(self, _request: Request) -> None:
        if self.client is not None:
            self.client.shutdown()
        self.client = None


def offers(_request: Request) -> dict[str, list[str]]:
    """What the SDK can do at all: its constructors, and the protocols that have a pipeline stage."""
    stage = "pipeline_stages_provisioning_"
    modules = (module.name for module in pkgutil.iter_modules(pipeline.__path__))
    return {
        "constructors": [name for name in dir(ProvisioningDeviceClient) if name.startswith("create_from_")],
        "protocols": [name.removeprefix(stage) for name in modules if name.startswith(stage)],
    }


if __name__ == "__main__":
    hub = HubConnection()
    serve(
        {
            "register": register,
            "registerMany": register_many,
            "hubConnect": hub.connect,
            "hubSend": hub.send,
            "hubTwin": hub.twin,
            "hubReport": hub.report,
            "hubWatch": hub.watch,
            "hubPatch": hub.patch,
            "hubDisconnect": hub.disconnect,
            "offers": offers,
        }
    )
