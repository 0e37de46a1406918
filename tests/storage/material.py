"""What the storage tests are made of: a storage per test, and changes with everything but the point filled in.

A database is a SQLite file, or the URL of one on the tests' PostgreSQL server (tests/postgresql.py); every test of
tests/storage that takes the fixture `database` is played on both.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta

from tests import postgresql

from homeport.clock import SystemRandomness
from homeport.model.access_policy import PROVISIONING_RIGHTS, SharedAccessPolicy
from homeport.model.attestation import AttestationMechanism, AttestationType, SymmetricKeyAttestation
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.events import AuditEvent
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    IdScope,
    OperationId,
    RegistrationId,
    ServiceId,
    SubjectKey,
)
from homeport.model.linked_hub import AllocationPolicy
from homeport.model.provisioning_service import ProvisioningService
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.security.sealing import Sealer
from homeport.storage.changes import (
    AppendAudit,
    Change,
    EnsureHubDevice,
    PutEnrollmentGroup,
    PutIndividualEnrollment,
    PutRegistration,
    PutService,
    PutSubject,
)
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.postgresql import PostgresqlStorage
from homeport.storage.sqlite import MEMORY, SqliteStorage
from homeport.storage.store import Store

NOW = datetime(2026, 11, 24, 6, 0, 0, 123456, tzinfo=UTC)
SERVICE = ServiceId(1)
HUB = "hub.example"
SEALER = Sealer(bytes(range(32)))
PRIMARY = "cHJpbWFyeSBrZXkgb2YgYSBkZXZpY2UgaW4gdGhlIHRlc3Rz"
SECONDARY = "c2Vjb25kYXJ5IGtleSBvZiBhIGRldmljZSBpbiB0aGUgdGVzdHM="


class StoppedClock:
    """The time stands at NOW."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def is_postgresql(database: object) -> bool:
    return str(database).startswith("postgresql://")


async def open_storage(database: object = MEMORY, **settings: object) -> SqliteStorage | PostgresqlStorage:
    """Open a database, or a fleeting one of SQLite."""
    settings = {"sealer": SEALER, "clock": StoppedClock()} | settings
    if is_postgresql(database):
        url = DatabaseUrl(str(database))
        return await PostgresqlStorage.open(url, randomness=SystemRandomness(), **settings)  # type: ignore[arg-type]
    return SqliteStorage.open(str(database), **settings)  # type: ignore[arg-type]


@asynccontextmanager
async def fresh_storage(**settings: object) -> AsyncIterator[SqliteStorage | PostgresqlStorage]:
    """A new database on the engine that the environment chooses, while the block runs."""
    database = postgresql.fresh_database() if postgresql.is_chosen() else MEMORY
    storage = await open_storage(database, **settings)
    try:
        yield storage
    finally:
        await storage.close()
        if database != MEMORY:
            postgresql.give_back(database)


def on_storage(test: Callable[[Store], Awaitable[None]]) -> Callable[[str], None]:
    """Makes a coroutine that takes a storage into a test that takes a database, with one service in it."""

    async def run(database: str) -> None:
        storage = await open_storage(database)
        try:
            await storage.apply([put_service()])
            await test(storage)
        finally:
            await storage.close()

    def plain(database: str) -> None:
        asyncio.run(run(database))

    plain.__name__, plain.__doc__ = test.__name__, test.__doc__
    return plain


def tell(database: object, statement: str) -> list[str]:
    """Run a statement past the storage; the rows as lines, columns with bars between."""
    if is_postgresql(database):
        return postgresql.ask(str(database), statement).splitlines()
    with closing(sqlite3.connect(str(database), isolation_level=None)) as connection:
        return ["|".join(map(str, row)) for row in connection.execute(statement).fetchall()]


REFUSALS = (sqlite3.Error, postgresql.DatabaseError)
"""What `tell` raises when the database refuses a statement."""


def put_service(service_id: int = SERVICE) -> PutService:
    return PutService(
        service=ProvisioningService(
            service_id=ServiceId(service_id),
            name=f"service {service_id}",
            id_scope=IdScope(f"0neABC{service_id}"),
            host_name="dps.example",
            allocation_policy=AllocationPolicy.HASHED,
            created_at=NOW,
        )
    )


def attestation() -> AttestationMechanism:
    keys = SymmetricKeyAttestation(primary_key=PRIMARY, secondary_key=SECONDARY)
    return AttestationMechanism(type=AttestationType.SYMMETRIC_KEY, symmetric_key=keys)


def individual(registration_id: str, etag: str = "1", **fields: object) -> IndividualEnrollment:
    defaults = {"attestation": attestation(), "created_date_time_utc": NOW, "last_updated_date_time_utc": NOW}
    return IndividualEnrollment(registration_id=registration_id, etag=etag, **(defaults | fields))  # type: ignore[arg-type]


def put_individual(registration_id: str, etag: str = "1", expected: str | None = None) -> PutIndividualEnrollment:
    entry = individual(registration_id, etag)
    return PutIndividualEnrollment(service_id=SERVICE, enrollment=entry, expected=_etag(expected))


def group(group_id: str, etag: str = "1", created_at: datetime = NOW) -> EnrollmentGroup:
    return EnrollmentGroup(
        enrollment_group_id=group_id, attestation=attestation(), etag=etag, created_date_time_utc=created_at
    )


def put_group(group_id: str, etag: str = "1", expected: str | None = None) -> PutEnrollmentGroup:
    return PutEnrollmentGroup(service_id=SERVICE, group=group(group_id, etag), expected=_etag(expected))


def record(registration_id: str, etag: str = "1", **fields: object) -> RegistrationRecord:
    defaults = {
        "service_id": SERVICE,
        "registration_id": RegistrationId(registration_id),
        "subject_key": SubjectKey(f"subject of {registration_id.lower()}"),
        "status": RegistrationStatus.ASSIGNED,
        "etag": ETag(etag),
        "created_at": NOW,
        "updated_at": NOW,
        "operation_id": OperationId(f"operation of {registration_id}"),
        "attestation_type": AttestationType.SYMMETRIC_KEY,
        "assigned_hub": HUB,
        "device_id": DeviceId(registration_id),
        "substatus": Substatus.INITIAL_ASSIGNMENT,
    }
    return RegistrationRecord(**(defaults | fields))  # type: ignore[arg-type]


def put_record(
    registration_id: str,
    etag: str = "1",
    *,
    expected: str | None = None,
    claimed_until: datetime | None = None,
    group_id: str | None = None,
    updated_at: datetime = NOW,
    **fields: object,
) -> PutRegistration:
    through = None if group_id is None else EnrollmentGroupId(group_id)
    return PutRegistration(
        record=record(registration_id, etag, enrollment_group_id=through, updated_at=updated_at, **fields),
        expected=_etag(expected),
        claimed_until=claimed_until,
    )


def put_subject(registration_id: str, subject_key: str) -> PutSubject:
    return PutSubject(service_id=SERVICE, subject_key=SubjectKey(subject_key), registration_id=registration_id)


def hub_device(device_id: str, etag: str = "1", **fields: object) -> HubDevice:
    defaults = {
        "service_id": SERVICE,
        "hub_host_name": HUB,
        "device_id": DeviceId(device_id),
        "subject_key": SubjectKey(f"subject of {device_id}"),
        "generation_id": "639000000000000000",
        "etag": ETag(etag),
        "primary_key": PRIMARY,
        "secondary_key": SECONDARY,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return HubDevice(**(defaults | fields))  # type: ignore[arg-type]


def hub_twin(device_id: str, etag: str = "1", **fields: object) -> HubTwin:
    defaults = {
        "service_id": SERVICE,
        "hub_host_name": HUB,
        "device_id": DeviceId(device_id),
        "etag": ETag(etag),
        "updated_at": NOW,
        "tags": {"site": "north"},
        "desired": {"interval": 10},
        "reported": {},
    }
    return HubTwin(**(defaults | fields))  # type: ignore[arg-type]


def ensure_device(device_id: str, etag: str = "1", *, reset_twin: bool = False) -> EnsureHubDevice:
    return EnsureHubDevice(device=hub_device(device_id, etag), twin=hub_twin(device_id, etag), reset_twin=reset_twin)


def append_audit(kind: str, subject_key: str | None = None) -> AppendAudit:
    return AppendAudit(
        event=AuditEvent(
            service_id=SERVICE,
            occurred_at=NOW,
            kind=kind,
            actor="device",
            subject_key=None if subject_key is None else SubjectKey(subject_key),
        )
    )


def registration(registration_id: str) -> list[Change]:
    """The changes of a whole registration, as the device's story writes them."""
    subject_key = f"subject of {registration_id.lower()}"
    return [
        put_subject(registration_id, subject_key),
        put_record(registration_id),
        ensure_device(registration_id),
        append_audit("DeviceAssigned", subject_key),
    ]


def policy(key_name: str, hub_host_name: str | None = None) -> SharedAccessPolicy:
    return SharedAccessPolicy(
        service_id=SERVICE,
        key_name=key_name,
        primary_key=PRIMARY,
        secondary_key=SECONDARY,
        rights=PROVISIONING_RIGHTS,
        hub_host_name=hub_host_name,
    )


def _etag(text: str | None) -> ETag | None:
    return None if text is None else ETag(text)
