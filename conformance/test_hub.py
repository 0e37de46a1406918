"""After provisioning: the device connects to the hub it was assigned to, with what it proved, and lives there."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from tests.pki import EXPIRED, VALID, Validity, make_self_signed

from conformance.conftest import Judges
from conformance.fleet import INITIAL_TWIN, Credential, Fleet, new_id, register
from conformance.judges import Judge, Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

PROVISIONED_BY = {"python-hub-device": "python-device", "node-hub-device": "node-device"}
DESIRED = INITIAL_TWIN["properties"]["desired"]
WAYS = {"device key": ("individual key", "group key"), "X.509": ("X.509 individual", "X.509 group by root")}
every_cell = pytest.mark.parametrize("cell", passing("hub"), ids=str)
every_way = pytest.mark.parametrize(
    ("cell", "attestation"), [(cell, way) for cell in passing("hub") for way in WAYS[cell.attestation]], ids=str
)


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """A device as it is after its registration."""

    credential: Credential
    hub: str
    device_id: str


Provision = Callable[[Cell, str], Provisioned]


@pytest.fixture(scope="module")
def provision(server: Server, office: Judges, tmp_path_factory: pytest.TempPathFactory) -> Provision:
    """A device for a cell's client, registered over MQTT by the same language's client; one for all tests here."""

    @cache
    def provisioned(cell: Cell, attestation: str) -> Provisioned:
        client = PROVISIONED_BY[cell.client]
        way = next(way for way in passing("provisioning", attestation) if way.client == client)
        fleet = Fleet(server, office("python-service"), tmp_path_factory.mktemp("devices"))
        credential = fleet.new_device(attestation, initialTwin=INITIAL_TWIN)
        outcome = register(office(client), way, server, credential)
        return Provisioned(credential=credential, hub=outcome["assignedHub"], device_id=outcome["deviceId"])

    return provisioned


def connect(judge: Judge, cell: Cell, server: Server, provisioned: Provisioned) -> None:
    judge.ask(
        "hubConnect",
        transport=cell.transport,
        hub=provisioned.hub,
        deviceId=provisioned.device_id,
        **provisioned.credential.proof,
        caFile=str(server.ca_file),
    )


@pytest.fixture
def at_hub(cell: Cell, server: Server, provision: Provision, device: Judges) -> tuple[Judge, str]:
    """The cell's client, connected, and its device ID."""
    provisioned = provision(cell, WAYS[cell.attestation][0])
    connect(device(cell.client), cell, server, provisioned)
    return device(cell.client), provisioned.device_id


@every_way
def test_connects_with_what_it_registered_with(
    cell: Cell, attestation: str, server: Server, provision: Provision, device: Judges
) -> None:
    provisioned = provision(cell, attestation)
    connect(device(cell.client), cell, server, provisioned)
    device(cell.client).ask("hubDisconnect")


@pytest.mark.parametrize("cell", passing("hub", "X.509"), ids=str)
@pytest.mark.parametrize("valid", [VALID, EXPIRED], ids=["valid", "expired"])
def test_connects_with_the_certificate_that_an_operator_registered(
    cell: Cell, valid: Validity, server: Server, office: Judges, device: Judges, fleet: Fleet
) -> None:
    device_id = new_id()
    identity = make_self_signed(device_id, valid=valid)
    thumbprints = {"primaryThumbprint": "0" * 64, "secondaryThumbprint": identity.sha1_thumbprint.lower()}
    office("python-registry").ask(
        "createDevice",
        connectionString=server.hub_connection_string,
        id=device_id,
        status="enabled",
        authentication={"type": "selfSigned", "x509Thumbprint": thumbprints},
    )
    made = Provisioned(credential=fleet.keep(device_id, identity), hub=server.hub, device_id=device_id)
    connect(device(cell.client), cell, server, made)


@every_cell
def test_another_credential_is_refused(
    cell: Cell, server: Server, provision: Provision, device: Judges, fleet: Fleet
) -> None:
    provisioned = provision(cell, WAYS[cell.attestation][0])
    if cell.attestation == "X.509":
        another = fleet.keep(new_id(), make_self_signed(provisioned.device_id))
    else:
        another = Credential(registration_id=provisioned.device_id, symmetric_key=new_key())
    with pytest.raises(Refusal) as caught:
        connect(device(cell.client), cell, server, replace(provisioned, credential=another))
    expected = {"python-hub-device": "CredentialError", "node-hub-device": "UnauthorizedError"}
    assert caught.value.type == expected[cell.client]


@every_cell
def test_sends_telemetry(cell: Cell, server: Server, at_hub: tuple[Judge, str]) -> None:
    judge, device_id = at_hub
    sent = [new_id("message") for _ in range(3)]
    for message_id in sent:
        judge.ask("hubSend", body='{"temperature": 21.5}', messageId=message_id, properties={"room": "5 & 6/b"})
    mine = [event for event in received_telemetry(server) if event["deviceId"] == device_id]
    assert [event["systemProperties"]["messageId"] for event in mine] == sent
    assert [event["body"] for event in mine] == [{"temperature": 21.5}] * 3
    assert mine[0]["properties"] == {"room": "5 & 6/b"}


@every_cell
def test_reads_the_twin_with_the_initial_desired_properties(cell: Cell, at_hub: tuple[Judge, str]) -> None:
    judge, _ = at_hub
    twin = judge.ask("hubTwin")
    assert {name: twin["desired"][name] for name in DESIRED} == DESIRED
    assert twin["desired"]["$version"] >= 1


@every_cell
def test_patches_reported_properties(cell: Cell, server: Server, at_hub: tuple[Judge, str], office: Judges) -> None:
    judge, device_id = at_hub
    before = judge.ask("hubTwin")["reported"]["$version"]
    judge.ask("hubReport", patch={"firmware": {"major": 1, "beta": True}, "gone": 1})
    judge.ask("hubReport", patch={"firmware": {"major": 2}, "gone": None})
    reported = judge.ask("hubTwin")["reported"]
    assert reported["firmware"] == {"major": 2, "beta": True}
    assert "gone" not in reported
    assert reported["$version"] == before + 2
    assert operators_twin(office, server, device_id)["properties"]["reported"]["firmware"]["major"] == 2


@every_cell
def test_receives_a_desired_property(cell: Cell, server: Server, at_hub: tuple[Judge, str], office: Judges) -> None:
    judge, device_id = at_hub
    version = judge.ask("hubTwin")["desired"]["$version"]
    judge.ask("hubWatch")
    office("python-registry").ask(
        "updateTwin",
        connectionString=server.hub_connection_string,
        id=device_id,
        tags={},
        desired={"colour": "red"},
    )
    patch = judge.ask("hubPatch", property="colour")
    assert patch == {"colour": "red", "$version": version + 1}
    assert judge.ask("hubTwin")["desired"]["colour"] == "red"


def received_telemetry(server: Server) -> list[dict[str, Any]]:
    printed = server.command("hub", "events", "--top", "1000")
    return [json.loads(line) for line in printed.splitlines()]


def operators_twin(office: Judges, server: Server, device_id: str) -> dict[str, Any]:
    return office("python-registry").ask("getTwin", connectionString=server.hub_connection_string, id=device_id)
