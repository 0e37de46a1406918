"""Drives `azure-iothub-provisioningserviceclient`, the older Python service client with its own models.

Records cross the line protocol as on the wire; here they become the SDK's models and back. The same verbs are spoken
by `python_service.py`.
"""

from itertools import islice
from typing import Any

from provisioningserviceclient import (
    EnrollmentGroup,
    IndividualEnrollment,
    ProvisioningServiceClient,
    QuerySpecification,
)
from provisioningserviceclient.models import InitialTwin

from conformance.clients.lines import serve

Request = dict[str, Any]
EVERYTHING = QuerySpecification("SELECT *")
MODEL = {"enrollment": IndividualEnrollment, "enrollmentGroup": EnrollmentGroup}


def client(request: Request) -> ProvisioningServiceClient:
    return ProvisioningServiceClient.create_from_connection_string(request["connectionString"])


def put(request: Request) -> object:
    record = dict(request["record"])
    twin = record.pop("initialTwin", None)
    model = MODEL[request["kind"]].from_dict(record)
    model.etag = request.get("etag")
    if twin is not None:
        model.initial_twin = InitialTwin.create(twin["tags"], twin["properties"]["desired"])
    return _wire(client(request).create_or_update(model))


def get(request: Request) -> object:
    found = client(request)
    read = found.get_individual_enrollment if _individual(request) else found.get_enrollment_group
    return _wire(read(request["id"]))


def delete(request: Request) -> None:
    found = client(request)
    remove = (
        found.delete_individual_enrollment_by_param if _individual(request) else found.delete_enrollment_group_by_param
    )
    remove(request["id"], request.get("etag"))


def attestation(request: Request) -> object:
    found = client(request)
    read = (
        found.get_individual_enrollment_attestation_mechanism
        if _individual(request)
        else found.get_enrollment_group_attestation_mechanism
    )
    return read(request["id"]).serialize()


def query(request: Request) -> list[object]:
    """Every page, or so many, as the SDK walks them by continuation."""
    found = client(request)
    start = found.create_individual_enrollment_query if _individual(request) else found.create_enrollment_group_query
    pages = islice(start(EVERYTHING, request["pageSize"]), request.get("pages"))
    return [[_wire(model) for model in page] for page in pages]


def get_registration(request: Request) -> object:
    return client(request).get_registration_state(request["id"]).serialize(keep_readonly=True)


def delete_registration(request: Request) -> None:
    client(request).delete_registration_state_by_param(request["id"])


def query_registrations(request: Request) -> list[object]:
    found = client(request).create_registration_state_query(request["groupId"], request["pageSize"])
    return [[state.serialize(keep_readonly=True) for state in page] for page in found]


def _individual(request: Request) -> bool:
    return request["kind"] == "enrollment"


def _wire(model: Any) -> object:
    """The model as JSON; the SDK hands the initial twin out in a wrapper that its own serializer does not know."""
    twin, model.initial_twin = model.initial_twin, None
    record = model.serialize(keep_readonly=True)
    if twin is not None:
        record["initialTwin"] = {"tags": twin.tags, "properties": {"desired": twin.desired_properties}}
    return record


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
