"""Drives `azure-iot-deviceprovisioning`, the newer Python service client. It takes and gives JSON as on the wire.

The same verbs are spoken by `python_legacy_service.py` and `conformance/node/service.js`.
"""

from itertools import islice
from typing import Any

from azure.iot.deviceprovisioning import DeviceProvisioningClient

from conformance.clients.lines import serve

Request = dict[str, Any]
EVERYTHING = {"query": "SELECT *"}
ID_FIELD = {"enrollment": "registrationId", "enrollmentGroup": "enrollmentGroupId"}


def client(request: Request) -> DeviceProvisioningClient:
    return DeviceProvisioningClient.from_connection_string(request["connectionString"])


def operations(request: Request) -> Any:
    """The SDK's operations for the `kind` of record that the request is about."""
    found = client(request)
    return found.enrollment if request["kind"] == "enrollment" else found.enrollment_group


def put(request: Request) -> object:
    record = request["record"]
    identifier = record[ID_FIELD[request["kind"]]]
    return operations(request).create_or_update(identifier, record, if_match=request.get("etag"))


def get(request: Request) -> object:
    return operations(request).get(request["id"])


def delete(request: Request) -> None:
    operations(request).delete(request["id"], if_match=request.get("etag"))


def attestation(request: Request) -> object:
    return operations(request).get_attestation_mechanism(request["id"])


def query(request: Request) -> list[object]:
    """Every page, or so many, as the SDK walks them by continuation."""
    found = operations(request).query(EVERYTHING, top=request["pageSize"])
    return [list(page) for page in islice(found.by_page(), request.get("pages"))]


def get_registration(request: Request) -> object:
    return client(request).device_registration_state.get(request["id"])


def delete_registration(request: Request) -> None:
    client(request).device_registration_state.delete(request["id"])


def query_registrations(request: Request) -> list[object]:
    found = client(request).device_registration_state.query(request["groupId"], top=request["pageSize"])
    return [list(page) for page in found.by_page()]


if __name__ == "__main__":
    serve(
        {
            "put": put,
            "get": get,
            "delete": delete,
            "attestation": attestation,
            "query": query,
            "getRegistration": get_registration,
            "deleteRegistration": delete_registration,
            "queryRegistrations": query_registrations,
        }
    )
