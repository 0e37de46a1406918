"""A store with very many individual enrollments, written through homeport's own storage port.

The only module of the benchmark that imports homeport: the service API would take an hour for a million. Each
device has a key of its own, derived from the benchmark's group key only so that the load generator can derive
it too, and a document of the size that a real one has. The server is down meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.enrolling import SECONDARY_KEY, device_key
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
from homeport.model.identifiers import ETag, RegistrationId, ServiceId, new_etag, new_subject_key
from homeport.storage.changes import Change, PutIndividualEnrollment, PutSubject
from homeport.storage.port import Storage

PREFIX = "device-"
BATCH = 2_000

_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
_TWIN = InitialTwin(
    tags={"site": "plant-7", "line": "line-03", "owner": "operations", "hardware": "rev-c"},
    properties=InitialTwinProperties(desired={"telemetryIntervalSeconds": 60, "firmware": {"channel": "stable"}}),
)


def fill_individual_enrollments(data_directory: Path, population: int, narrator: Narrator) -> None:
    """Fill the database of a data directory that `homeport up` has made, showing a bar meanwhile."""
    with narrator.counting("writing enrollments", population) as advance:
        asyncio.run(_fill_directory(data_directory, population, advance))


async def _fill_directory(data_directory: Path, population: int, advance: Callable[[int], None]) -> None:
    async with local_service(data_directory) as (storage, service):
        await fill(storage, service.service_id, population, advance)


async def fill(storage: Storage, service_id: ServiceId, population: int, advance: Callable[[int], None]) -> None:
    """Write the devices numbered from 0 to `population`, a batch at a time; tell `advance` of each batch."""
    for first in range(0, population, BATCH):
        numbers = range(first, min(first + BATCH, population))
        await storage.apply([change for number in numbers for change in _changes(service_id, number)])
        advance(len(numbers))


def _changes(service_id: ServiceId, number: int) -> Iterator[Change]:
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
