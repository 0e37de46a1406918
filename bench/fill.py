"""A store with very many individual enrollments or registrations, written through homeport's own storage port.

The only module of the benchmark that imports homeport: ten million registrations over the network would take hours.
Each device has a key of its own, derived from the benchmark's group key only so that the load generator can derive it
too, and documents of the size that real ones have. The server is down meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.enrolling import SECONDARY_KEY, SYMMETRIC_GROUP, device_key
from bench.narrator import Narrator
from homeport.cli.local_storage import local_service
from homeport.clock import SystemRandomness
from homeport.model.attestation import AttestationMechanism, AttestationType, SymmetricKeyAttestation
from homeport.model.enrollment import (
    DeviceCapabilities,
    IndividualEnrollment,
    InitialTwin,
    InitialTwinProperties,
    ReprovisionPolicy,
)
from homeport.model.events import AuditEvent
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    OperationId,
    RegistrationId,
    ServiceId,
    new_etag,
    new_subject_key,
)
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.storage.changes import (
    AppendAudit,
    Change,
    EnsureHubDevice,
    PutIndividualEnrollment,
    PutRegistration,
    PutSubject,
)
from homeport.storage.port import Storage

PREFIX = "device-"
BATCH = 2_000

# No server is asked for these devices; their hub is never looked for.
_HUB = "hub.bench.example"
_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
_TWIN = InitialTwin(
    tags={"site": "plant-7", "line": "line-03", "owner": "operations", "hardware": "rev-c"},
    properties=InitialTwinProperties(desired={"telemetryIntervalSeconds": 60, "firmware": {"channel": "stable"}}),
)


Changes = Callable[[ServiceId, int], Iterator[Change]]
"""What is written of the device with this number."""


def fill_individual_enrollments(data_directory: Path, population: int, narrator: Narrator) -> None:
    """Fill the database of a data directory that `homeport up` has made, showing a bar meanwhile."""
    with narrator.counting("writing enrollments", population) as advance:
        asyncio.run(_fill_directory(data_directory, range(population), _enrolled, advance))


def fill_registrations(data_directory: Path, numbers: range, narrator: Narrator) -> None:
    """Write what the registrations of these devices through the benchmark's group leave behind, with a bar."""
    with narrator.counting("writing registrations", len(numbers)) as advance:
        asyncio.run(_fill_directory(data_directory, numbers, _registered, advance))


async def _fill_directory(
    data_directory: Path, numbers: range, changes: Changes, advance: Callable[[int], None]
) -> None:
    async with local_service(data_directory) as (storage, service):
        await _fill(storage, service.service_id, numbers, changes, advance)


async def _fill(
    storage: Storage, service_id: ServiceId, numbers: range, changes: Changes, advance: Callable[[int], None]
) -> None:
    """A batch at a time; `advance` is told of each."""
    for first in range(0, len(numbers), BATCH):
        batch = numbers[first : first + BATCH]
        await storage.apply([change for number in batch for change in changes(service_id, number)])
        advance(len(batch))


def _registered(service_id: ServiceId, number: int) -> Iterator[Change]:
    """What the first registration of a device writes: its name, its record, its hub device with the twin, the audit."""
    registration_id, randomness = RegistrationId(f"{PREFIX}{number:08d}"), SystemRandomness()
    subject_key, etag = new_subject_key(randomness), new_etag(randomness)
    yield PutSubject(service_id=service_id, subject_key=subject_key, registration_id=registration_id)
    record = RegistrationRecord(
        service_id=service_id,
        registration_id=registration_id,
        subject_key=subject_key,
        status=RegistrationStatus.ASSIGNED,
        etag=etag,
        created_at=_CREATED,
        updated_at=_CREATED,
        operation_id=OperationId(f"5.{etag}.{randomness.guid()}"),
        attestation_type=AttestationType.SYMMETRIC_KEY,
        enrollment_group_id=EnrollmentGroupId(SYMMETRIC_GROUP),
        assigned_hub=_HUB,
        device_id=DeviceId(registration_id),
        substatus=Substatus.INITIAL_ASSIGNMENT,
    )
    yield PutRegistration(record=record, expected=None)
    yield _hub_device(record)
    yield AppendAudit(event=_audited(record))


def _hub_device(record: RegistrationRecord) -> EnsureHubDevice:
    device = HubDevice(
        service_id=record.service_id,
        hub_host_name=_HUB,
        device_id=DeviceId(record.registration_id),
        subject_key=record.subject_key,
        generation_id="0011223344556677",
        etag=record.etag,
        primary_key=device_key(record.registration_id),
        secondary_key=SECONDARY_KEY,
        created_at=_CREATED,
        updated_at=_CREATED,
    )
    twin = HubTwin(
        service_id=record.service_id,
        hub_host_name=_HUB,
        device_id=device.device_id,
        etag=record.etag,
        updated_at=_CREATED,
        tags={},
        desired={},
        reported={},
    )
    return EnsureHubDevice(device=device, twin=twin)


def _audited(record: RegistrationRecord) -> AuditEvent:
    return AuditEvent(
        service_id=record.service_id,
        occurred_at=_CREATED,
        kind="RegistrationAttempted",
        actor="device",
        subject_key=record.subject_key,
        detail={"status": "assigned", "hub": _HUB, "substatus": "initialAssignment"},
    )


def _enrolled(service_id: ServiceId, number: int) -> Iterator[Change]:
    """What an administrator's PUT of one enrollment writes, but for its audit event."""
    registration_id = RegistrationId(f"{PREFIX}{number:08d}")
    randomness = SystemRandomness()
    yield PutSubject(service_id=service_id, subject_key=new_subject_key(randomness), registration_id=registration_id)
    yield PutIndividualEnrollment(
        service_id=service_id, enrollment=_enrollment(registration_id, new_etag(randomness)), expected=None
    )


def _enrollment(registration_id: RegistrationId, etag: ETag) -> IndividualEnrollment:
    keys = SymmetricKeyAttestation(primary_key=device_key(registration_id), secondary_key=SECONDARY_KEY)
    return IndividualEnrollment(
        registration_id=registration_id,
        attestation=AttestationMechanism(type=AttestationType.SYMMETRIC_KEY, symmetric_key=keys),
        capabilities=DeviceCapabilities(),
        reprovision_policy=ReprovisionPolicy(),
        initial_twin=_TWIN,
        optional_device_information={"serialNumber": f"SN-{registration_id}", "batch": "2026-01", "tested": True},
        etag=etag,
        created_date_time_utc=_CREATED,
        last_updated_date_time_utc=_CREATED,
    )
