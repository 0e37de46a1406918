"""Afterwards: is everything in the database that a device was told, once, and does the database agree with itself?

Reads the primary itself, past homeport: what the service answers could come from a memory.
"""

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from failover.database import Connection
from failover.devices import Assignment, Device
from failover.nodes import HOMEPORT

_RECORDS = """
    SELECT registration_id, operation_id, assigned_hub, device_id FROM registrations
    WHERE starts_with(registration_id, $1) AND status = 'assigned'
"""
_OPEN = "SELECT count(*) FROM registrations WHERE status = 'assigning'"
_OPEN_IDS = "SELECT operation_id FROM registrations WHERE status = 'assigning'"
_AT_HUB = "SELECT device_id FROM hub_devices WHERE starts_with(device_id, $1)"
_DISAGREEMENTS = {
    "records without their subject": """
        SELECT count(*) FROM registrations AS record WHERE NOT EXISTS (
            SELECT 1 FROM subjects AS subject
            WHERE subject.service_id = record.service_id AND subject.folded_id = record.folded_id
                AND subject.subject_key = record.subject_key)
    """,
    "devices at the hub without their record": """
        SELECT count(*) FROM hub_devices AS device WHERE NOT EXISTS (
            SELECT 1 FROM registrations AS record
            WHERE record.service_id = device.service_id AND record.subject_key = device.subject_key
                AND record.assigned_hub = device.hub_host_name AND record.device_id = device.device_id)
    """,
    "operations that are still open": _OPEN,
}

Stored = Mapping[str, Sequence[Assignment]]


async def device_faults(
    database: Connection, prefix: str, devices: Sequence[Device], *, at_embedded_hub: bool
) -> list[str]:
    """What is not as it should be with devices whose IDs have this prefix; empty if all is well.

    `at_embedded_hub`: their hub is the one in the box, whose registry lies in the same database.
    """
    stored: dict[str, list[Assignment]] = {}
    for row in await database.fetch(_RECORDS, prefix):
        assignment = Assignment(row["operation_id"], row["assigned_hub"], row["device_id"])
        stored.setdefault(row["registration_id"], []).append(assignment)
    found = compare(devices, stored)
    if at_embedded_hub:
        found += at_hub(devices, [row["device_id"] for row in await database.fetch(_AT_HUB, prefix)])
    return found


async def database_faults(database: Connection) -> list[str]:
    """Where tables disagree, and what was left undone."""
    counts = {name: await database.fetchval(query) for name, query in _DISAGREEMENTS.items()}
    return [f"{count} {name}" for name, count in counts.items() if count]


async def open_operations(database: Connection) -> list[str]:
    """The operations that wait for their hub, or for the worker that has claimed them."""
    return [row["operation_id"] for row in await database.fetch(_OPEN_IDS)]


async def still_open(database: Connection, operations: Sequence[str]) -> int:
    """How many of these operations are not finished."""
    return int(await database.fetchval(f"{_OPEN} AND operation_id = ANY($1)", operations))


def compare(devices: Iterable[Device], stored: Stored) -> list[str]:
    """What devices were told against their records."""
    found = []
    for device in devices:
        records = stored.get(device.registration_id, ())
        if device.refusal is not None:
            found.append(f"{device.registration_id} was refused: {device.refusal}")
        elif device.assignment is None:
            found.append(f"{device.registration_id} was never provisioned: {device.troubles[-3:]}")
        elif not records:
            found.append(f"{device.registration_id} is lost: it was told {device.assignment}")
        elif list(records) != [device.assignment]:
            found.append(f"{device.registration_id} was told {device.assignment}, the database says {records}")
    return found


def at_hub(devices: Iterable[Device], device_ids: Iterable[str]) -> list[str]:
    """Devices that are not exactly once in the hub's registry."""
    counts = Counter(device_ids)
    told = [device.assignment.device_id for device in devices if device.assignment is not None]
    return [f"{device_id} is {counts[device_id]} times at its hub" for device_id in told if counts[device_id] != 1]


def audit_faults(data_dir: Path) -> list[str]:
    """What `homeport audit verify` objects to."""
    call: list[str | Path] = [HOMEPORT, "audit", "verify", "--data-dir", data_dir]
    verdict = subprocess.run(call, capture_output=True, text=True, check=False)
    whole = verdict.returncode == 0 and ": whole: " in verdict.stdout
    return [] if whole else [f"the audit log is not whole: {verdict.stdout}{verdict.stderr}"]


def log_faults(name: str, log: str) -> list[str]:
    """Lines in a node's log that no death of another machine excuses."""
    marks = ("Traceback", '"crashed"', '"internal_error"')
    return [f"{name} logged: {line[:300]}" for line in log.splitlines() if any(mark in line for mark in marks)]
