"""The operator's clients read, change and delete the device that provisioning made at the hub."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from conformance.conftest import Judges
from conformance.fleet import INITIAL_TWIN, Credential, Fleet, new_id, register
from conformance.judges import Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

Ask = Callable[..., Any]
HTTPS_DEVICE = next(cell for cell in passing("provisioning", "individual key") if cell.transport == "HTTPS")
OVER_HTTPS = [cell for cell in passing("registry", "device key") if cell.transport == "HTTPS"]
pytestmark = pytest.mark.parametrize("cell", OVER_HTTPS, ids=str)


@pytest.fixture
def ask(cell: Cell, server: Server, office: Judges) -> Ask:
    return partial(office(cell.client).ask, connectionString=server.hub_connection_string)


@pytest.fixture
def provisioned(server: Server, fleet: Fleet, device: Judges) -> Credential:
    """A device whose enrollment gives it tags and desired properties."""
    credential = fleet.new_device("individual key", initialTwin=INITIAL_TWIN)
    register(device(HTTPS_DEVICE.client), HTTPS_DEVICE, server, credential)
    return credential


def test_read_device(cell: Cell, ask: Ask, provisioned: Credential) -> None:
    found = ask("getDevice", id=provisioned.registration_id)
    assert found["deviceId"] == provisioned.registration_id
    assert found["status"] == "enabled"
    assert found["etag"]
    assert found["generationId"]
    assert found["authentication"]["type"] == "sas"
    assert found["authentication"]["symmetricKey"]["primaryKey"] == provisioned.symmetric_key


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
