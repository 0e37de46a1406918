"""A device that has registered too often: what its SDK does with a 429, and with the time that it is told.

Over MQTT the SDKs wait and are provisioned, on the connection that they have. Node over HTTPS and AMQP has no
patience: its user gets the error at once, and may come back. (Over AMQP Node means to wait, but tells a throttling
error by `instanceof`, and npm installs that class in several copies, of `azure-iot-common`, one for each package.)
The server has a small limit here, so it is one of its own.
"""

import re
import time
from collections.abc import Iterator

import pytest
from tests.loopback import Network, address
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import exchange, read_answer, request
from tests.sockets.server_process import Deployment, ServerProcess

from conformance.conftest import assert_log_is_clean
from conformance.fleet import Credential, new_id, register
from conformance.judges import Judge, Refusal
from conformance.matrix import Cell, passing
from conformance.server import Server

PER_MINUTE = 8
"""So that whoever has used them up waits for seven seconds or more: longer than a client program takes to start."""

CELLS = passing("provisioning", "group key")
PATIENT = ("MQTT", "MQTT over WebSocket")
ERRORS = {
    "HTTPS": "ThrottlingError",
    "AMQP": "com.microsoft:device-container-throttled",
    "AMQP over WebSocket": "com.microsoft:device-container-throttled",
}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    server = ServerProcess(tmp_path_factory.mktemp("limited"), address(Network.CONFORMANCE_THROTTLING), workers=1)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOMEPORT_LIMITS_REGISTRATIONS_PER_MINUTE_PER_DEVICE", str(PER_MINUTE))
        try:
            yield server.start()
            server.stop()
            assert_log_is_clean(server.log())
        finally:
            server.end()


@pytest.fixture
def restless(limited: Deployment) -> Device:
    """A device that has just registered as often as it may."""
    with Administrator(limited) as administrator:
        key = administrator.enroll_group(new_id("group"))
    device = Device(limited, new_id(), key)
    target = f"/{limited.id_scope}/registrations/{device.registration_id}/register?api-version=2021-06-01"
    headers = [("Host", limited.host), ("Authorization", device.token)]
    with Peer(limited, HTTPS) as peer:
        for _ in range(PER_MINUTE):
            peer.send(request("PUT", target, headers, b"{}"))
            assert read_answer(peer).status == 202
    return device


def ask(judge: Judge, cell: Cell, device: Device) -> dict[str, str]:
    """Let the SDK register the device."""
    deployment = device.deployment
    server = Server(
        id_scope=deployment.id_scope,
        device_host=deployment.host,
        service_connection_string="",
        hub_connection_string="",
        ca_file=deployment.ca_file,
        data_dir=deployment.ca_file.parent,
    )
    credential = Credential(registration_id=device.registration_id, symmetric_key=device.key)
    outcome: dict[str, str] = register(judge, cell, server, credential)
    return outcome


def throttled(deployment: Deployment) -> float:
    """How many registrations were refused so far."""
    page = exchange(deployment, request("GET", "/metrics", [("Host", deployment.host)])).body.decode()
    count = re.search(r'^homeport_throttled_total\{limit="registrations_of_device"\} (\S+)$', page, re.MULTILINE)
    return float(count[1]) if count else 0.0


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.transport in PATIENT], ids=str)
def test_a_patient_device_comes_back_by_itself(cell: Cell, restless: Device, node_packages: None) -> None:
    before = throttled(restless.deployment)
    with Judge(cell.client, restless.deployment.ca_file) as judge:
        assert ask(judge, cell, restless)["deviceId"] == restless.registration_id
    assert throttled(restless.deployment) > before


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.transport not in PATIENT], ids=str)
def test_an_impatient_device_tells_its_user(cell: Cell, restless: Device, node_packages: None) -> None:
    with Judge(cell.client, restless.deployment.ca_file) as judge:
        with pytest.raises(Refusal) as caught:
            ask(judge, cell, restless)
        assert (caught.value.type, caught.value.status) == (ERRORS[cell.transport], 429)
        assert caught.value.body["errorCode"] == 429001
        told = re.search(r"in (\d+) seconds", caught.value.body["message"])
        assert told is not None
        time.sleep(int(told[1]))
        assert ask(judge, cell, restless)["deviceId"] == restless.registration_id
