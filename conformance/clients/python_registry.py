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


def create_device(request: Request) -> object:
    """With keys or with thumbprints, as `authentication` says."""
    manager = client(request)
    by = {"sas": manager.create_device_with_sas, "selfSigned": manager.create_device_with_x509}
    create = by[request["authentication"]["type"]]
    return create(request["id"], *_pair(request), request["status"]).serialize(keep_readonly=True)


def update_device(request: Request) -> object:
    manager = client(request)
    by = {"sas": manager.update_device_with_sas, "selfSigned": manager.update_device_with_x509}
    update = by[request["authentication"]["type"]]
    return update(request["id"], request["etag"], *_pair(request), request["status"]).serialize(keep_readonly=True)


def _pair(request: Request) -> list[str]:
    """The primary and the secondary one of whatever opens the device's hub."""
    authentication = request["authentication"]
    return list((authentication.get("symmetricKey") or authentication["x509Thumbprint"]).values())


def get_device(request: Request) -> object:
    return client(request).get_device(request["id"]).serialize(keep_readonly=True)


def list_devices(request: Request) -> object:
    return [device.serialize(keep_readonly=True) for device in client(request).get_devices()]


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
            "createDevice": create_device,
            "updateDevice": update_device,
            "getDevice": get_device,
            "listDevices": list_devices,
            "getTwin": get_twin,
            "updateTwin": update_twin,
            "deleteDevice": delete_device,
        }
    )
