"""Ordinary MQTT and AMQP clients without an SDK: they register, are told why if they may not, and reach their hub."""

import json
from typing import Any

import pytest

from conformance.conftest import Judges
from conformance.fleet import INITIAL_TWIN, Credential, Fleet, common_request, register
from conformance.judges import Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

PEERS = passing("mqtt") + passing("amqp")
every_cell = pytest.mark.parametrize("cell", PEERS, ids=str)
over_mqtt = pytest.mark.parametrize("cell", passing("mqtt"), ids=str)
paho, mosquitto = (
    pytest.mark.parametrize("cell", [cell for cell in passing("mqtt") if cell.client == client], ids=str)
    for client in ("paho", "mosquitto")
)


@every_cell
def test_registers_and_is_assigned(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation)
    state = register(device(cell.client), cell, server, credential)
    assert state["status"] == "assigned"
    assert (state["assignedHub"], state["deviceId"]) == (server.hub, credential.registration_id)
    assert fleet.record_of(credential.registration_id)["etag"] == state["etag"]


@every_cell
def test_is_told_why_it_is_refused(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation, provisioningStatus="disabled")
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, credential)
    assert (caught.value.status, caught.value.body["errorCode"]) == (401, 401003)
    assert "disabled" in caught.value.body["message"]


@pytest.mark.parametrize("cell", [cell for cell in PEERS if cell.attestation == "individual key"], ids=str)
def test_another_key_is_refused(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    enrolled = fleet.new_device(cell.attestation)
    wrong = Credential(registration_id=enrolled.registration_id, symmetric_key=new_key())
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, wrong)
    assert (caught.value.status, caught.value.body["errorCode"]) == (401, 401002)


@over_mqtt
def test_what_proved_the_device_opens_its_hub(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation)
    judge = device(cell.client)
    state = register(judge, cell, server, credential)
    judge.ask("hubSend", **at_hub(state, server, credential), body='{"temperature": 21.5}', properties="room=5")
    [event] = [each for each in telemetry(server) if each["deviceId"] == state["deviceId"]]
    assert (event["body"], event["properties"]) == ({"temperature": 21.5}, {"room": "5"})


@paho
def test_paho_reads_its_twin(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation, initialTwin=INITIAL_TWIN)
    state = register(device(cell.client), cell, server, credential)
    twin = device(cell.client).ask("hubTwin", **at_hub(state, server, credential))
    assert twin["desired"] == {**INITIAL_TWIN["properties"]["desired"], "$version": 1}
    assert twin["reported"] == {"$version": 1}


@mosquitto
def test_mosquitto_sub_hears_of_desired_properties(
    cell: Cell, server: Server, fleet: Fleet, office: Judges, device: Judges
) -> None:
    credential = fleet.new_device(cell.attestation)
    judge = device(cell.client)
    state = register(judge, cell, server, credential)
    judge.ask("hubWatch", **at_hub(state, server, credential))
    operator = {"connectionString": server.hub_connection_string, "id": state["deviceId"]}
    office("python-registry").ask("updateTwin", **operator, tags={}, desired={"colour": "red"})
    assert judge.ask("hubPatch")["colour"] == "red"


@mosquitto
@pytest.mark.parametrize("foreign", ["#", "$dps/#", "factory/#"])
def test_mosquitto_sub_is_granted_its_responses_and_nothing_else(
    cell: Cell, foreign: str, server: Server, fleet: Fleet, device: Judges
) -> None:
    credential = fleet.new_device(cell.attestation)
    request = {**common_request(cell, server), "registrationId": credential.registration_id, **credential.proof}
    assert device(cell.client).ask("subscribe", **request, filter="$dps/registrations/res/#") == 1
    assert device(cell.client).ask("subscribe", **request, filter=foreign) == 128


def at_hub(state: dict[str, Any], server: Server, credential: Credential) -> dict[str, str]:
    hub, device_id = state["assignedHub"], state["deviceId"]
    return {"hub": hub, "deviceId": device_id, "caFile": str(server.ca_file), **credential.proof}


def telemetry(server: Server) -> list[dict[str, Any]]:
    printed = server.command("hub", "events", "--top", "1000")
    return [json.loads(line) for line in printed.splitlines()]
