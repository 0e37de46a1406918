"""One server for all transcripts, and a device of each kind that has never registered."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.loopback import Network, address
from tests.sockets.server_process import Deployment, ServerProcess
from tests.transcripts.device import Device, enroll_by_certificate, enroll_by_key

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The server, with nothing but its defaults."""
    server = ServerProcess(tmp_path_factory.mktemp("transcripts"), address(Network.TRANSCRIPTS))
    try:
        yield server.start()
        server.stop()
    finally:
        server.end()


@pytest.fixture(params=["symmetric key", "X.509"])
def device(request: pytest.FixtureRequest, deployment: Deployment, tmp_path: Path) -> Device:
    """A device with a key, then one with a certificate; its ID holds what clients encode differently."""
    registration_id = f"line:1_device.{next(_NUMBERS)}-a"
    if request.param == "X.509":
        return enroll_by_certificate(deployment, registration_id, tmp_path)
    return enroll_by_key(deployment, registration_id)
