"""What was acknowledged is there: after a restart, and after the process was killed in the middle of its writes."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.storage.material import HUB, SERVICE, open_storage, put_service, record, registration

from homeport.administration import audit_log
from homeport.model.identifiers import DeviceId, RegistrationId

STORM = """
import asyncio, sys
from tests.storage.material import open_storage, registration
async def one(storage, name):
    await storage.apply(registration(name))
    sys.stdout.write(name + "\\n")
    sys.stdout.flush()
async def storm():
    storage = open_storage(sys.argv[1])
    for wave in range(10_000):
        await asyncio.gather(*(one(storage, f"{sys.argv[2]}-{wave}-{n}") for n in range(25)))
asyncio.run(storm())
"""
ROUNDS = 4
ACKNOWLEDGED_BEFORE_THE_KILL = 60


def storm_until_killed(database: Path, mark: str, wanted: int) -> list[str]:
    """Start a writer, kill it when so many names were acknowledged; returns all that were."""
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    command = [sys.executable, "-c", STORM, str(database), mark]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=root) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(wanted)]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        storage = open_storage(tmp_path / "h.db")
        await storage.apply([put_service(), *registration("dev-1")])
        await storage.close()
        again = open_storage(tmp_path / "h.db")
        assert await again.registrations.record(SERVICE, RegistrationId("dev-1")) == record("dev-1")
        assert await again.hub_devices.twin(SERVICE, HUB, DeviceId("dev-1")) is not None
        await again.close()

    asyncio.run(story())


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    database = tmp_path / "h.db"
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        acknowledged += storm_until_killed(database, f"r{number}", ACKNOWLEDGED_BEFORE_THE_KILL + 7 * number)
    assert len(acknowledged) >= ROUNDS * ACKNOWLEDGED_BEFORE_THE_KILL
    asyncio.run(all_are_there(database, acknowledged))
    tables_agree(database)


async def all_are_there(database: Path, names: list[str]) -> None:
    storage = open_storage(database)
    for name in names:
        context = await storage.registrations.context(SERVICE, RegistrationId(name))
        assert context.record == record(name)
        assert context.subject_key == context.record.subject_key
        assert await storage.hub_devices.twin(SERVICE, HUB, DeviceId(name)) is not None
    assert (await audit_log.verify(storage.audit, "writer-0")).is_whole
    await storage.close()


def tables_agree(database: Path) -> None:
    """A list that was under way when the process was killed is there whole or not at all."""
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    counts = {
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        for table in ("registrations", "subjects", "hub_devices", "audit")
    }
    connection.close()
    assert len(counts) == 1
