"""Registration records through the real service clients: read, list by group, delete."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from conformance.conftest import Judges
from conformance.fleet import Credential, Fleet, group_member, new_id, register
from conformance.judges import Refusal
from conformance.matrix import Cell, passing
from conformance.server import Server

Ask = Callable[..., Any]
HTTPS_DEVICE = next(cell for cell in passing("provisioning", "group key") if cell.transport == "HTTPS")
LISTS_REGISTRATIONS = [cell for cell in passing("service", "symmetric key") if cell.client != "python-legacy-service"]
every_client = pytest.mark.parametrize("cell", passing("service", "symmetric key"), ids=str)


@pytest.fixture
def ask(cell: Cell, server: Server, office: Judges) -> Ask:
    return partial(office(cell.client).ask, connectionString=server.service_connection_string)


@pytest.fixture
def registered(server: Server, fleet: Fleet, device: Judges) -> Credential:
    """A device of an individual enrollment that has been assigned."""
    credential = fleet.new_device("individual key")
    register(device(HTTPS_DEVICE.client), HTTPS_DEVICE, server, credential)
    return credential


@every_client
def test_read(cell: Cell, ask: Ask, server: Server, registered: Credential) -> None:
    record = ask("getRegistration", id=registered.registration_id)
    assert record["registrationId"] == registered.registration_id
    assert (record["status"], record["assignedHub"]) == ("assigned", server.hub)
    assert record["etag"]


@every_client
def test_delete(cell: Cell, ask: Ask, registered: Credential) -> None:
    ask("deleteRegistration", id=registered.registration_id)
    with pytest.raises(Refusal) as caught:
        ask("getRegistration", id=registered.registration_id)
    assert caught.value.status == 404


@every_client
def test_unknown(cell: Cell, ask: Ask) -> None:
    with pytest.raises(Refusal) as caught:
        ask("getRegistration", id=new_id())
    assert caught.value.status == 404


@every_client
def test_an_enrollment_shows_its_registration(cell: Cell, ask: Ask, server: Server, registered: Credential) -> None:
    record = ask("get", kind="enrollment", id=registered.registration_id)
    assert record["registrationState"]["status"] == "assigned"
    assert record["registrationState"]["assignedHub"] == server.hub


@pytest.mark.parametrize("cell", LISTS_REGISTRATIONS, ids=str)
def test_list_by_group(cell: Cell, ask: Ask, server: Server, fleet: Fleet, device: Judges) -> None:
    group = fleet.enroll_group()
    members = [group_member(group, new_id()) for _ in range(3)]
    for member in members:
        register(device(HTTPS_DEVICE.client), HTTPS_DEVICE, server, member)
    pages = ask("queryRegistrations", groupId=group["enrollmentGroupId"], pageSize=2)
    found = [record["registrationId"] for page in pages for record in page]
    assert sorted(found) == sorted(member.registration_id for member in members)
    assert max(len(page) for page in pages) == 2
