"""A device registers through an unmodified client with whatever it has, and is assigned to the embedded hub."""

import pytest

from conformance.conftest import Judges
from conformance.fleet import Credential, Fleet, group_member, key_of, new_id, register
from conformance.judges import Judge
from conformance.matrix import Cell, passing
from conformance.server import Server

WHICH = ["primaryKey", "secondaryKey"]
every_cell = pytest.mark.parametrize("cell", passing("provisioning"), ids=str)
# What a transport does with a registration does not depend on which CA vouched for the device.
each_way = pytest.mark.parametrize(
    "cell", [cell for cell in passing("provisioning") if not cell.attestation.startswith("X.509 group")], ids=str
)
individual = pytest.mark.parametrize("cell", passing("provisioning", "individual key"), ids=str)
group = pytest.mark.parametrize("cell", passing("provisioning", "group key"), ids=str)


@individual
@pytest.mark.parametrize("which", WHICH)
def test_individual_key(cell: Cell, which: str, server: Server, fleet: Fleet, device: Judges) -> None:
    record = fleet.enroll_device(deviceId=new_id())
    credential = Credential(registration_id=record["registrationId"], symmetric_key=key_of(record, which))
    outcome = register(device(cell.client), cell, server, credential)
    assert outcome["status"] == "assigned"
    assert outcome["assignedHub"] == server.hub
    assert outcome["deviceId"] == record["deviceId"]
    assert outcome["substatus"] == "initialAssignment"


@group
@pytest.mark.parametrize("which", WHICH)
def test_derived_group_key(cell: Cell, which: str, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = group_member(fleet.enroll_group(), new_id(), which)
    outcome = register(device(cell.client), cell, server, credential)
    assert outcome["status"] == "assigned"
    assert outcome["assignedHub"] == server.hub
    assert outcome["deviceId"] == credential.registration_id


@each_way
def test_the_service_sees_the_registration(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation)
    outcome = register(device(cell.client), cell, server, credential)
    record = fleet.record_of(credential.registration_id)
    assert record["status"] == "assigned"
    assert record["assignedHub"] == outcome["assignedHub"]
    assert record["deviceId"] == outcome["deviceId"]


@each_way
def test_registering_again_gives_the_same(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation)
    first = register(device(cell.client), cell, server, credential)
    second = register(device(cell.client), cell, server, credential)
    assert second["status"] == "assigned"
    assert (second["assignedHub"], second["deviceId"]) == (first["assignedHub"], first["deviceId"])


@pytest.mark.parametrize("cell", passing("provisioning", "TPM"), ids=str)
def test_the_hub_key_outlives_the_power(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    """Another process, and the TPM switched on anew: the key to the hub is still in it."""
    credential = fleet.new_device(cell.attestation)
    with Judge(cell.client, server.ca_file) as first:
        outcome = register(first, cell, server, credential)
    device(cell.client).ask(
        "hubConnect",
        transport="MQTT",
        hub=outcome["assignedHub"],
        deviceId=outcome["deviceId"],
        caFile=str(server.ca_file),
        **credential.proof,
    )
    device(cell.client).ask("hubDisconnect")


@each_way
@pytest.mark.parametrize(
    "payload", [{"modelId": "dtmi:acme:Thermostat;1", "slots": [1, 2]}, "text"], ids=["object", "string"]
)
def test_payload_is_accepted(cell: Cell, payload: object, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation)
    outcome = register(device(cell.client), cell, server, credential, payload=payload)
    assert outcome["status"] == "assigned"


@every_cell
def test_what_proved_the_device_opens_its_hub(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation)
    judge = device(cell.client)
    outcome = register(judge, cell, server, credential)
    judge.ask(
        "hubConnect",
        transport="MQTT over WebSocket" if "WebSocket" in cell.transport else "MQTT",
        hub=outcome["assignedHub"],
        deviceId=outcome["deviceId"],
        caFile=str(server.ca_file),
        **credential.proof,
    )
    assert judge.ask("hubTwin")["desired"]["$version"] >= 1
    judge.ask("hubDisconnect")
