"""Drives `azure-iot-hub`: the operator's view of the devices at the embedded hub.

`conformance/node/registry.js` is its twin.
The package imports `uamqp` for cloud-to-device messages over AMQP; the verbs here are those that go over HTTPS.
"""

from typing import Any

from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.protocol.models import Twin, TwinProperties

from conformance.clients.lines import serve

Request = dict[str, Any]


def client(request: Request) -> IoTHubRegistryManager:
    return IoTHubRegistryManager.from_connection_string(request["connectionString"])


def get_device(request: Request) -> object:
    return client(request).get_device(request["id"]).serialize(keep_readonly=True)


def get_twin(request: Request) -> object:
    return client(request).get_twin(request["id"]).serialize(keep_readonly=True)


def update_twin(request: Request) -> object:
    """Patch tags and desired properties."""
    patch = Twin(tags=request["tags"], properties=TwinProperties(desired=request["desired"]))
    return client(request).update_twin(request["id"], patch, request.get("etag")).serialize(keep_readonly=True)


def delete_device(request: Request) -> None:
    client(request).delete_device(request["id"])


if __name__ == "__main__":
    serve(
        {
            "getDevice": get_device,
            "getTwin": get_twin,
            "updateTwin": update_twin,
            "deleteDevice": delete_device,
        }
    )
