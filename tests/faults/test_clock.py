"""The clock is stepped by ten minutes while the server runs: nobody is sent away, nothing waits ten minutes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from tests.faults import outage
from tests.faults.clock import SteppedClock
from tests.faults.crowd import Crowd
from tests.faults.witnesses import Witnesses, poll, register
from tests.loopback import Network, address
from tests.sockets.devices import Device
from tests.sockets.server_process import Deployment, ServerProcess
from tests.storage.material import tell
from tests.workers.node import until

from homeport.security.sas import decode_key, sign_sas_token

ADDRESS = address(Network.CLOCK)
STEP = 600
CLAIM = 30


@pytest.fixture
def clock(tmp_path: Path) -> SteppedClock:
    return SteppedClock(tmp_path)


@contextmanager
def running(directory: Path, clock: SteppedClock) -> Iterator[tuple[ServerProcess, Deployment]]:
    server = ServerProcess(directory, ADDRESS)
    try:
        with clock.environment():
            deployment = server.start()
        yield server, deployment
    finally:
        server.end()


@pytest.mark.parametrize("step", [STEP, -STEP])
def test_registrations_go_on(tmp_path: Path, clock: SteppedClock, step: int) -> None:
    with running(tmp_path, clock) as (server, deployment):
        with Witnesses(deployment) as witnesses:
            with Crowd(witnesses.device) as crowd:
                crowd.wait_for(assigned=outage.ENOUGH)
                clock.step(step)
                crowd.wait_for(assigned=outage.ENOUGH)
            assert crowd.refused == 0
            outage.check_service(witnesses)
            assert witnesses.readiness().status == 200
            assert abs(_date_of(witnesses) - time.time() - step) < STEP / 2, "the server's clock was not stepped"
        # The second start is by the machine's clock: a step the other way.
        outage.check_nothing_is_lost(server, deployment, crowd.devices)
        assert "Traceback" not in server.log(), server.log()[-8000:]


def test_a_token_is_judged_by_the_time_of_day(tmp_path: Path, clock: SteppedClock) -> None:
    with running(tmp_path, clock) as (server, deployment), Witnesses(deployment) as witnesses:
        device = _ShortLived(witnesses.device("short-lived"))
        assert register(device).status == 202
        clock.step(STEP)
        refused = register(device)
        assert (refused.status, refused.code) == (401, 401002)
        assert [line["cause"] for line in outage.events(server, "refused")] == ["sas_expired"]
        clock.step(0)
        assert register(device).status == 202


def test_an_operation_that_was_claimed_before_the_clock_went_back_is_finished(
    tmp_path: Path, clock: SteppedClock
) -> None:
    with running(tmp_path, clock) as (server, deployment), Witnesses(deployment) as witnesses:
        device = witnesses.assigned[0]
        _leave_open(server, device)
        assert poll(device).status == 202
        clock.step(-STEP)
        until(lambda: poll(device).status == 200, "the operation is finished", server)


class _ShortLived(Device):
    """Its tokens end before the clock's step does."""

    def __init__(self, device: Device) -> None:
        super().__init__(device.deployment, device.registration_id, device.group_key)
        resource = quote_plus(f"{self.deployment.id_scope}/registrations/{self.registration_id}")
        expiry = int(time.time()) + STEP // 2
        self._token = sign_sas_token(
            resource=resource, key=decode_key(self.key), expiry=expiry, key_name="registration"
        )

    @property
    def token(self) -> str:
        return self._token


def _leave_open(server: ServerProcess, device: Device) -> None:
    """As a worker leaves an operation that dies after it has claimed it."""
    claimed_until = round((time.time() + CLAIM) * 1_000_000)
    changed = f"UPDATE registrations SET status = 'assigning', claimed_until = {claimed_until}"
    tell(server.database, f"{changed} WHERE folded_id = '{device.registration_id}'")


def _date_of(witnesses: Witnesses) -> float:
    """When the server believes that it refuses a request."""
    refused = register(witnesses.device("stranger-" + "x" * 200))
    assert refused.status == 400
    return time.mktime(time.strptime(refused.body["timestampUtc"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
