"""What was acknowledged is there: after a restart, and after the process was killed in the middle of its writes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.storage.material import HUB, SERVICE, is_postgresql, open_storage, put_service, record, registration, tell

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
    storage = await open_storage(sys.argv[1])
    for wave in range(10_000):
        await asyncio.gather(*(one(storage, f"{sys.argv[2]}-{wave}-{n}") for n in range(25)))
asyncio.run(storm())
"""
ROUNDS = 4
ACKNOWLEDGED_BEFORE_THE_KILL = 60


def storm_until_killed(database: str, mark: str, wanted: int) -> list[str]:
    """Start a writer, kill it when so many names were acknowledged; returns all that were."""
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    command = [sys.executable, "-c", STORM, database, mark]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=root) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(wanted)]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def test_everything_is_there_after_a_restart(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service(), *registration("dev-1")])
        await storage.close()
        again = await open_storage(database)
        assert await again.registrations.record(SERVICE, RegistrationId("dev-1")) == record("dev-1")
        assert await again.hub_devices.twin(SERVICE, HUB, DeviceId("dev-1")) is not None
        await again.close()

    asyncio.run(story())


def test_what_was_acknowledged_survives_a_kill(database: str) -> None:
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        acknowledged += storm_until_killed(database, f"r{number}", ACKNOWLEDGED_BEFORE_THE_KILL + 7 * number)
    assert len(acknowledged) >= ROUNDS * ACKNOWLEDGED_BEFORE_THE_KILL
    asyncio.run(all_are_there(database, acknowledged))
    tables_agree(database)


async def all_are_there(database: str, names: list[str]) -> None:
    storage = await open_storage(database)
    for name in names:
        context = await storage.registrations.context(SERVICE, RegistrationId(name))
        assert context.record == record(name)
        assert context.subject_key == context.record.subject_key
        assert await storage.hub_devices.twin(SERVICE, HUB, DeviceId(name)) is not None
    assert (await audit_log.verify(storage.audit, "writer-0")).is_whole
    await storage.close()


def tables_agree(database: str) -> None:
    """A list that was under way when the process was killed is there whole or not at all."""
    if not is_postgresql(database):
        assert tell(database, "PRAGMA integrity_check") == ["ok"]
    tables = ("registrations", "subjects", "hub_devices", "audit")
    assert len({tell(database, f"SELECT count(*) FROM {table}")[0] for table in tables}) == 1
