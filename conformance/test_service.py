"""Enrollments and groups through the real service clients: create, read, update, delete, query, and their errors."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from conformance.conftest import Judges
from conformance.fleet import INITIAL_TWIN, key_of, new_id
from conformance.judges import Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

ID_FIELD = {"enrollment": "registrationId", "enrollmentGroup": "enrollmentGroupId"}
ERRORS = {
    "python-service": {
        401: "ClientAuthenticationError",
        404: "ResourceNotFoundError",
        409: "ResourceExistsError",
        412: "HttpResponseError",
    },
    "python-legacy-service": dict.fromkeys((401, 404, 409, 412), "ProvisioningServiceError"),
    "node-service": {
        401: "UnauthorizedError",
        404: "Error",
        409: "DeviceAlreadyExistsError",
        412: "InvalidEtagError",
    },
}
"""What each SDK raises for a status."""

Ask = Callable[..., Any]
pytestmark = [
    pytest.mark.parametrize("cell", passing("service", "symmetric key"), ids=str),
    pytest.mark.parametrize("kind", list(ID_FIELD)),
]


@pytest.fixture
def ask(cell: Cell, kind: str, server: Server, office: Judges) -> Ask:
    """The client of the cell, asked about one kind of record."""
    return partial(office(cell.client).ask, kind=kind, connectionString=server.service_connection_string)


def new_record(kind: str, **fields: object) -> dict[str, Any]:
    """A record whose keys the service shall make."""
    return {ID_FIELD[kind]: new_id(kind), "attestation": {"type": "symmetricKey"}, **fields}


def refused(cell: Cell, status: int, ask: Ask, verb: str, **request: object) -> Refusal:
    """The refusal with this status and the exception that the SDK has for it."""
    with pytest.raises(Refusal) as caught:
        ask(verb, **request)
    assert (caught.value.status, caught.value.type) == (status, ERRORS[cell.client][status])
    return caught.value


def shows_keys(record: dict[str, Any]) -> bool:
    keys = record["attestation"].get("symmetricKey") or {}
    return bool(keys.get("primaryKey") or keys.get("secondaryKey"))


def test_create_makes_keys_and_returns_them(kind: str, ask: Ask) -> None:
    record = new_record(kind)
    created = ask("put", record=record)
    assert created[ID_FIELD[kind]] == record[ID_FIELD[kind]]
    assert created["etag"]
    assert key_of(created, "primaryKey") != key_of(created, "secondaryKey")


def test_create_keeps_given_fields(kind: str, server: Server, ask: Ask) -> None:
    keys = {"primaryKey": new_key(), "secondaryKey": new_key()}
    record = new_record(
        kind,
        attestation={"type": "symmetricKey", "symmetricKey": keys},
        initialTwin=INITIAL_TWIN,
        provisioningStatus="disabled",
        allocationPolicy="static",
        iotHubs=[server.hub],
        reprovisionPolicy={"updateHubAssignment": True, "migrateDeviceData": False},
    )
    assert ask("put", record=record)["attestation"]["symmetricKey"] == keys
    read = ask("get", id=record[ID_FIELD[kind]])
    for field in ("initialTwin", "provisioningStatus", "allocationPolicy", "iotHubs", "reprovisionPolicy"):
        assert read[field] == record[field]


def test_read_shows_no_keys(kind: str, ask: Ask) -> None:
    record = ask("put", record=new_record(kind))
    read = ask("get", id=record[ID_FIELD[kind]])
    assert read["etag"] == record["etag"]
    assert not shows_keys(read)


def test_attestation_mechanism_shows_the_keys(kind: str, ask: Ask) -> None:
    record = ask("put", record=new_record(kind))
    mechanism = ask("attestation", id=record[ID_FIELD[kind]])
    assert mechanism["type"] == "symmetricKey"
    assert mechanism["symmetricKey"] == record["attestation"]["symmetricKey"]


def test_update_with_etag_keeps_keys_that_the_read_hid(kind: str, ask: Ask) -> None:
    created = ask("put", record=new_record(kind))
    read = ask("get", id=created[ID_FIELD[kind]])
    updated = ask("put", record={**read, "provisioningStatus": "disabled"}, etag=read["etag"])
    assert updated["provisioningStatus"] == "disabled"
    assert updated["etag"] != read["etag"]
    mechanism = ask("attestation", id=created[ID_FIELD[kind]])
    assert mechanism["symmetricKey"] == created["attestation"]["symmetricKey"]


def test_update_of_any_version(kind: str, ask: Ask) -> None:
    created = ask("put", record=new_record(kind))
    updated = ask("put", record={**created, "provisioningStatus": "disabled"}, etag="*")
    assert updated["provisioningStatus"] == "disabled"


def test_stale_etag_is_refused(cell: Cell, kind: str, ask: Ask) -> None:
    first = ask("put", record=new_record(kind))
    ask("put", record={**first, "provisioningStatus": "disabled"}, etag=first["etag"])
    refused(cell, 412, ask, "put", record=first, etag=first["etag"])
    refused(cell, 412, ask, "delete", id=first[ID_FIELD[kind]], etag=first["etag"])
    assert ask("get", id=first[ID_FIELD[kind]])["provisioningStatus"] == "disabled"


def test_create_existing_is_refused(cell: Cell, kind: str, ask: Ask) -> None:
    record = new_record(kind)
    ask("put", record=record)
    refused(cell, 409, ask, "put", record=record)


@pytest.mark.parametrize("with_etag", [True, False], ids=["with_etag", "unconditional"])
def test_delete(cell: Cell, kind: str, with_etag: bool, ask: Ask) -> None:
    record = ask("put", record=new_record(kind))
    condition = {"etag": record["etag"]} if with_etag else {}
    ask("delete", id=record[ID_FIELD[kind]], **condition)
    refused(cell, 404, ask, "get", id=record[ID_FIELD[kind]])
    refused(cell, 404, ask, "delete", id=record[ID_FIELD[kind]])


@pytest.mark.walks_all_enrollments
def test_query_walks_all_pages_and_shows_no_keys(kind: str, ask: Ask) -> None:
    created = {ask("put", record=new_record(kind))[ID_FIELD[kind]] for _ in range(5)}
    pages = ask("query", pageSize=2)
    records = [record for page in pages for record in page]
    found = [record[ID_FIELD[kind]] for record in records]
    assert max(len(page) for page in pages) <= 2
    assert created <= set(found)
    assert len(found) == len(set(found))
    assert not any(shows_keys(record) for record in records)


@pytest.mark.walks_all_enrollments
def test_query_gives_all_in_one_page_without_continuation(kind: str, ask: Ask) -> None:
    created = ask("put", record=new_record(kind))
    found = {record[ID_FIELD[kind]] for page in ask("query", pageSize=100) for record in page}
    assert created[ID_FIELD[kind]] in found


@pytest.mark.parametrize("verb", ["get", "delete", "attestation", "query", "put"])
def test_wrong_service_key_is_refused(cell: Cell, kind: str, verb: str, server: Server, ask: Ask) -> None:
    host, policy, _ = server.service_connection_string.split(";")
    forged = f"{host};{policy};SharedAccessKey={new_key()}"
    refusal = refused(cell, 401, ask, verb, connectionString=forged, id="any", pageSize=1, record=new_record(kind))
    assert refusal.body["errorCode"] // 1000 == 401
    assert refusal.body["trackingId"]
