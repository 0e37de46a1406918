"""A deployment with many devices, made without a server: enrolled, registered, at the hub, and in the audit log."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.loopback import Network, address
from tests.storage.material import NOW, hub_device, hub_twin, individual, record

from homeport.application import open_storage
from homeport.clock import SystemClock
from homeport.config import load
from homeport.model.events import AuditEvent
from homeport.model.identifiers import ServiceId, SubjectKey
from homeport.model.provisioning_service import ProvisioningService
from homeport.storage.changes import (
    AppendAudit,
    Change,
    EnsureHubDevice,
    PutIndividualEnrollment,
    PutRegistration,
    PutSubject,
)
from homeport.storage.port import Storage

HOMEPORT = Path(sys.executable).with_name("homeport")
_AT_ONCE = 200


def make(directory: Path, devices: int, told: Callable[[int], object] = lambda _: None) -> Path:
    """Make it in a directory; its database file. `told` is called with how many devices more there are."""
    subprocess.run(
        [HOMEPORT, "init", "--data-dir", directory, "--host", address(Network.COPY)], check=True, capture_output=True
    )
    asyncio.run(_fill(directory, devices, told))
    return directory / "homeport.db"


async def _fill(directory: Path, devices: int, told: Callable[[int], object]) -> None:
    storage = await open_storage(load(directory / "homeport.toml").storage, clock=SystemClock(), writer_name="filler")
    try:
        (service,) = await storage.settings.services()
        hub = (await storage.settings.linked_hubs(service.service_id))[0].host_name
        for first in range(0, devices, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, devices))
            await _put(storage, [change for each in numbers for change in _changes(service, hub, f"device-{each:07}")])
            told(len(numbers))
    finally:
        await storage.close()


async def _put(storage: Storage, changes: list[Change]) -> None:
    await storage.apply(changes)


def _changes(service: ProvisioningService, hub: str, device: str) -> Iterator[Change]:
    service_id, subject = ServiceId(service.service_id), SubjectKey(f"subject of {device}")
    yield PutSubject(service_id=service_id, subject_key=subject, registration_id=device)
    yield PutIndividualEnrollment(service_id=service_id, enrollment=individual(device), expected=None)
    yield PutRegistration(record=record(device, service_id=service_id, assigned_hub=hub), expected=None)
    place = {"service_id": service_id, "hub_host_name": hub}
    yield EnsureHubDevice(device=hub_device(device, **place), twin=hub_twin(device, **place))
    event = AuditEvent(
        service_id=service_id, occurred_at=NOW, kind="RegistrationAttempted", actor="device", subject_key=subject
    )
    yield AppendAudit(event=event)


def move_to(directory: Path, url: str) -> None:
    """Have its configuration name another database."""
    file = directory / "homeport.toml"
    file.write_text(file.read_text().replace('path = "homeport.db"', f'url = "{url}"'))


def check(directory: Path) -> None:
    """`homeport database check` has nothing to say against it; of many devices that takes minutes."""
    call = [HOMEPORT, "database", "check", "--data-dir", directory]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
