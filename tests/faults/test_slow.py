"""A database that is slow, or locked by another process: answers wait, and then are a 503, never a silence."""

from pathlib import Path

import pytest
from tests.faults import outage
from tests.faults.crowd import Crowd
from tests.faults.injection import slow_syncs
from tests.faults.locks import locked, locked_in_bursts
from tests.faults.witnesses import Witnesses
from tests.loopback import Network, address
from tests.sockets.server_process import ServerProcess

from homeport.storage.writer import OVERDUE

ADDRESS = address(Network.SLOW_DATABASE)

pytestmark = pytest.mark.usefixtures("on_sqlite")


def test_another_process_that_does_not_let_go_of_the_lock(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    outage.play(server, locked(server.database))


def test_a_disk_that_takes_longer_than_anybody_waits(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    outage.play(server, slow_syncs(server, OVERDUE + 2))


def test_a_database_that_is_slow_keeps_devices_waiting_and_sends_nobody_away(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    try:
        deployment = server.start()
        with Witnesses(deployment) as witnesses:
            with locked_in_bursts(server.database, held=0.5, free=0.2), Crowd(witnesses.device) as crowd:
                crowd.wait_for(assigned=outage.ENOUGH)
                outage.check_service(witnesses)
            assert crowd.refused == 0
        outage.check_nothing_is_lost(server, deployment, crowd.devices)
        assert outage.events(server, "storage_unavailable") == []
    finally:
        server.end()
