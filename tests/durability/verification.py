"""After the restart: is everything there that a device was told, once, and does the server agree with itself?

Asks from outside wherever the API can tell (records by the group's query, devices at the hub, operations by a poll),
and asks the database itself for what only it can tell.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.server_process import ServerProcess
from tests.storage.material import is_postgresql, tell

_CROWD = 8

Record = dict[str, Any]

_DISAGREEMENTS = {
    "assigned records without their device": """
        SELECT count(*) FROM registrations AS record WHERE record.status = 'assigned' AND NOT EXISTS (
            SELECT 1 FROM hub_devices AS device
            WHERE device.service_id = record.service_id AND device.hub_host_name = record.assigned_hub
                AND device.device_id = record.device_id AND device.subject_key = record.subject_key)
    """,
    "devices without their record": """
        SELECT count(*) FROM hub_devices AS device WHERE NOT EXISTS (
            SELECT 1 FROM registrations AS record
            WHERE record.service_id = device.service_id AND record.subject_key = device.subject_key
                AND record.assigned_hub = device.hub_host_name AND record.device_id = device.device_id)
    """,
    "records without their subject": """
        SELECT count(*) FROM registrations AS record WHERE NOT EXISTS (
            SELECT 1 FROM subjects AS subject
            WHERE subject.service_id = record.service_id AND subject.folded_id = record.folded_id
                AND subject.subject_key = record.subject_key)
    """,
}


def verify_group(administrator: Administrator, group_id: str, devices: Sequence[Device]) -> int:
    """The records of a storm against what its devices were told; how many assignments were acknowledged."""
    records = _records(administrator, group_id)
    acknowledged = [device for device in devices if device.progress.assignment is not None]
    for device in acknowledged:
        _check_record(records.get(device.registration_id), device)
        _check_registry(administrator, device)
    return len(acknowledged)


def verify_operations(devices: Sequence[Device]) -> int:
    """Each operation whose ID a device was given can be asked for, and comes to its end; how many there were."""
    given = [device for device in devices if device.progress.operation_id is not None]
    with ThreadPoolExecutor(_CROWD) as crowd:
        for device, again in zip(given, crowd.map(Device.ask_again, given), strict=True):
            told = device.progress.assignment
            assert again.operation_id == device.progress.operation_id
            assert again.assignment is not None
            assert told is None or _place(again.assignment) == _place(told), f"{told} became {again.assignment}"
    return len(given)


def verify_database(server: ServerProcess) -> None:
    """The database is whole, its tables agree with each other, and nobody has touched the audit log."""
    if not is_postgresql(server.database):
        assert tell(server.database, "PRAGMA integrity_check") == ["ok"]
    for name, query in _DISAGREEMENTS.items():
        (count,) = tell(server.database, query)
        assert count == "0", f"{count} {name}"
    verdict = server.command("audit", "verify")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert ": whole: " in verdict.stdout, verdict.stdout


def _records(administrator: Administrator, group_id: str) -> dict[str, Record]:
    """A group's records by registration ID, none twice."""
    records: dict[str, Record] = {}
    continuation: dict[str, str] = {}
    while True:
        answer = administrator.service("POST", f"/registrations/{group_id}/query", **continuation)
        assert answer.status == 200, answer
        for record in answer.json():
            assert record["registrationId"] not in records, f"{record['registrationId']} is there twice"
            records[record["registrationId"]] = record
        if "x-ms-continuation" not in answer.headers:
            return records
        continuation = {"x_ms_continuation": answer.headers["x-ms-continuation"]}


def _check_record(record: Record | None, device: Device) -> None:
    told = device.progress.assignment
    assert record is not None, f"{device.registration_id} was told {told}, and has no record"
    assert told is not None
    assert record["status"] == "assigned", f"{device.registration_id} was told {told}, its record says {record}"
    assert _place(record) == _place(told)


def _check_registry(administrator: Administrator, device: Device) -> None:
    assert device.progress.assignment is not None
    _, device_id = _place(device.progress.assignment)
    answer = administrator.hub("GET", f"/devices/{device_id}")
    assert answer.status == 200, answer
    assert answer.json()["authentication"]["symmetricKey"]["primaryKey"] == device.key


def _place(state: Record) -> tuple[str, str]:
    """Where a device was sent: the hub, and its ID there."""
    return state["assignedHub"], state["deviceId"]
