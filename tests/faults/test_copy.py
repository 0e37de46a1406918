"""`homeport database copy`, killed twice on its way: what arrives is what was there, and it serves.

`python -m tests.faults.copy` is the same with a million devices.
"""

import asyncio
import random
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest
from tests import postgresql
from tests.faults import deployment
from tests.faults.copy_process import CopyProcess
from tests.loopback import Network, address
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.server_process import ServerProcess
from tests.storage.material import tell

from homeport.clock import SystemClock
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.postgresql_migrator import migrate
from homeport.storage.tables import PAGE

DEVICES = PAGE + 100
"""More than a page."""
ADDRESS = address(Network.COPY)
pytestmark = pytest.mark.usefixtures("on_sqlite")
FILLED = ("individual_enrollments", "subjects", "registrations", "hub_devices", "audit")


@pytest.fixture
def target() -> Iterator[str]:
    url = postgresql.fresh_database()
    yield url
    postgresql.give_back(url)


def test_a_copy_that_is_killed_twice_arrives_whole_and_serves(tmp_path: Path, target: str) -> None:
    seed = secrets.randbelow(1_000_000)
    print(f"seed {seed}")
    source = tmp_path / "data"
    deployment.make(source, DEVICES)
    asyncio.run(migrate(DatabaseUrl(target), SystemClock(), to_be_copied_into=True))
    for table in sorted(random.Random(seed).sample(FILLED, 2), key=FILLED.index):
        asyncio.run(kill_at(table, source, target))
    said = CopyProcess(source, target).finish()
    assert "Going on with a copy that was interrupted" in said
    assert f"registrations: {DEVICES} rows, equal" in said
    assert "NOT EQUAL" not in said
    assert "url = " in said
    assert postgresql.PASSWORD not in said
    assert tell(target, "SELECT count(to_regclass('copy_progress'))") == ["0"]
    deployment.move_to(source, target)
    check_it_serves(ServerProcess(tmp_path, ADDRESS, workers=1))


def test_a_database_that_a_server_has_open_is_not_copied(tmp_path: Path, target: str) -> None:
    file = deployment.make(tmp_path / "data", 1)
    with closing(sqlite3.connect(file)) as server:
        server.execute("SELECT count(*) FROM services").fetchall()
        code, said = CopyProcess(tmp_path / "data", target).end()
    assert code == 1
    assert "stop the server first" in said


def test_half_of_a_copy_serves_nobody(tmp_path: Path, target: str) -> None:
    source = tmp_path / "data"
    deployment.make(source, 1)
    asyncio.run(migrate(DatabaseUrl(target), SystemClock(), to_be_copied_into=True))
    asyncio.run(kill_at("audit", source, target))
    deployment.move_to(source, target)
    server = ServerProcess(tmp_path, ADDRESS, workers=1)
    with pytest.raises(AssertionError, match="A copy into this database is under way"):
        server.start()


async def kill_at(table: str, source: Path, target: str) -> None:
    """Copy until the first row of a table is to be written, and kill it there."""
    connection = await asyncpg.connect(target)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            with killed(CopyProcess(source, target)) as copying:
                while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    assert copying.is_running, copying.end()
                    await asyncio.sleep(0.01)
    finally:
        await connection.close()


@contextmanager
def killed(copying: CopyProcess) -> Iterator[CopyProcess]:
    try:
        yield copying
    finally:
        copying.kill()


def check_it_serves(server: ServerProcess) -> None:
    """A device that came along is known, and a new one is registered."""
    try:
        running = server.start()
        with Administrator(running) as administrator:
            known = administrator.service("GET", "/registrations/device-0000001")
            assert (known.status, known.json()["status"]) == (200, "assigned")
            assert administrator.hub("GET", "/devices/device-0000001").status == 200
            key = administrator.enroll_group("after")
        assert Device(running, "new", key).register_over_https().assignment
        deployment.check(server.data_dir)
        server.stop()
    finally:
        server.end()
