"""The operator's clients make devices at the hub, and read, change and delete them and those of provisioning."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from conformance.conftest import Judges
from conformance.fleet import INITIAL_TWIN, Credential, Fleet, new_id, register
from conformance.judges import Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

Ask = Callable[..., Any]
HTTPS_DEVICE = next(cell for cell in passing("provisioning", "individual key") if cell.transport == "HTTPS")
OVER_HTTPS = [cell for cell in passing("registry") if cell.transport == "HTTPS"]
ENROLLED_BY = {"device key": "individual key", "X.509": "X.509 individual"}
pytestmark = pytest.mark.parametrize("cell", OVER_HTTPS, ids=str)


@pytest.fixture
def ask(cell: Cell, server: Server, office: Judges) -> Ask:
    return partial(office(cell.client).ask, connectionString=server.hub_connection_string)


@pytest.fixture
def provisioned(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> Credential:
    """A device whose enrollment gives it tags and desired properties."""
    credential = fleet.new_device(ENROLLED_BY[cell.attestation], initialTwin=INITIAL_TWIN)
    register(device(HTTPS_DEVICE.client), HTTPS_DEVICE, server, credential)
    return credential


def authentication(cell: Cell) -> dict[str, Any]:
    """Fresh keys or thumbprints, as REST has them."""
    if cell.attestation == "device key":
        return {"type": "sas", "symmetricKey": {"primaryKey": new_key(), "secondaryKey": new_key()}}
    return {
        "type": "selfSigned",
        "x509Thumbprint": {
            "primaryThumbprint": secrets.token_hex(20).upper(),
            "secondaryThumbprint": secrets.token_hex(32).upper(),
        },
    }


def opened_by(device: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """What of a device's authentication says anything."""
    found, member = device["authentication"], "symmetricKey" if cell.attestation == "device key" else "x509Thumbprint"
    return {"type": found["type"], member: found[member]}


def test_create_and_update_device(cell: Cell, ask: Ask) -> None:
    device_id, first, second = new_id(), authentication(cell), authentication(cell)
    created = ask("createDevice", id=device_id, status="enabled", authentication=first)
    assert (created["deviceId"], created["status"], opened_by(created, cell)) == (device_id, "enabled", first)
    updated = ask("updateDevice", id=device_id, etag=created["etag"], status="disabled", authentication=second)
    assert (updated["status"], opened_by(updated, cell)) == ("disabled", second)
    assert ask("getDevice", id=device_id) == updated


def test_creating_a_device_twice_is_refused(cell: Cell, ask: Ask) -> None:
    device = {"id": new_id(), "status": "enabled", "authentication": authentication(cell)}
    ask("createDevice", **device)
    with pytest.raises(Refusal) as caught:
        ask("createDevice", **device)
    assert caught.value.status == 409


def test_list_devices(cell: Cell, ask: Ask) -> None:
    """The list ends after a thousand, in the order of the IDs; the suite makes more devices than that."""
    device_id = new_id("0")
    ask("createDevice", id=device_id, status="enabled", authentication=authentication(cell))
    found = {each["deviceId"]: each for each in ask("listDevices")}
    assert found[device_id] == ask("getDevice", id=device_id)


def test_read_device(cell: Cell, ask: Ask, provisioned: Credential) -> None:
    found = ask("getDevice", id=provisioned.registration_id)
    assert found["deviceId"] == provisioned.registration_id
    assert found["status"] == "enabled"
    assert found["etag"]
    assert found["generationId"]
    opened = opened_by(found, cell)
    if provisioned.certificate_file is None:
        assert opened["symmetricKey"]["primaryKey"] == provisioned.symmetric_key
    else:
        certificate = x509.load_pem_x509_certificate(provisioned.certificate_file.read_bytes())
        assert opened["x509Thumbprint"]["primaryThumbprint"] == certificate.fingerprint(SHA256()).hex().upper()


def test_read_twin_with_tags(cell: Cell, ask: Ask, provisioned: Credential) -> None:
    twin = ask("getTwin", id=provisioned.registration_id)
    desired = INITIAL_TWIN["properties"]["desired"]
    assert twin["deviceId"] == provisioned.registration_id
    assert twin["tags"] == INITIAL_TWIN["tags"]
    assert {name: twin["properties"]["desired"][name] for name in desired} == desired


def test_update_twin(cell: Cell, ask: Ask, provisioned: Credential) -> None:
    before = ask("getTwin", id=provisioned.registration_id)
    updated = ask(
        "updateTwin",
        id=provisioned.registration_id,
        etag=before["etag"],
        tags={"floor": 3},
        desired={"interval": 60},
    )
    assert updated["tags"] == {**INITIAL_TWIN["tags"], "floor": 3}
    assert updated["properties"]["desired"]["interval"] == 60
    assert updated["etag"] != before["etag"]


def test_stale_twin_etag_is_refused(cell: Cell, ask: Ask, provisioned: Credential) -> None:
    stale = ask("getTwin", id=provisioned.registration_id)["etag"]
    change = {"id": provisioned.registration_id, "etag": stale, "tags": {}, "desired": {"interval": 60}}
    ask("updateTwin", **change)
    with pytest.raises(Refusal) as caught:
        ask("updateTwin", **change)
    assert caught.value.status == 412


def test_delete_device(cell: Cell, ask: Ask, provisioned: Credential) -> None:
    ask("deleteDevice", id=provisioned.registration_id)
    for verb in ("getDevice", "getTwin", "deleteDevice"):
        with pytest.raises(Refusal) as caught:
            ask(verb, id=provisioned.registration_id)
        assert caught.value.status == 404


def test_wrong_key_is_refused(cell: Cell, ask: Ask, server: Server) -> None:
    host, policy, _ = server.hub_connection_string.split(";")
    with pytest.raises(Refusal) as caught:
        ask("getDevice", id=new_id(), connectionString=f"{host};{policy};SharedAccessKey={new_key()}")
    assert caught.value.status == 401
