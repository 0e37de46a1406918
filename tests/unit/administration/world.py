"""A deployment in a database of its own, for tests of the verbs and of the service API: one service, one linked hub.

The storage is a real one, SQLite unless the environment chooses otherwise; time stands still until a test moves it;
randomness is a counter.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.storage.material import fresh_storage

from homeport.administration.access_policies import AccessPolicies
from homeport.administration.ca_certificates import CaCertificates
from homeport.administration.enrollment_groups import EnrollmentGroups
from homeport.administration.enrollments import IndividualEnrollments
from homeport.administration.linked_hubs import EMBEDDED, LinkedHubs
from homeport.administration.registrations import Registrations
from homeport.administration.services import Services
from homeport.errors import ErrorRow, HomeportError
from homeport.model.attestation import AttestationMechanism, AttestationType, SymmetricKeyAttestation
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.identifiers import (
    EnrollmentGroupId,
    ETag,
    OperationId,
    RegistrationId,
    ServiceId,
    SubjectKey,
    new_etag,
)
from homeport.model.linked_hub import LinkedHub
from homeport.model.registration import RegistrationRecord, RegistrationStatus
from homeport.security.sealing import Sealer
from homeport.storage.changes import PutRegistration, PutSubject
from homeport.storage.store import Store

HUB = "Hub-1.test"
HOST = "dps.test"
PRIMARY = "cHJpbWFyeS1rZXktb2YtMTYtYnl0ZXM="
SECONDARY = "c2Vjb25kYXJ5LWtleS1vZi0xNi1ieXRlcw=="
ME = "admin"


@dataclass
class StillClock:
    """A clock that moves when it is told to."""

    time: datetime = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class CountedRandomness:
    """Every answer is a new one, and the same in each run."""

    count: int = 0

    def token(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(4, "big").rjust(size, b"\0")[-size:]

    def guid(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012x}"


@dataclass
class World:
    """The storage and every verb over it."""

    storage: Store
    clock: StillClock
    randomness: CountedRandomness
    service_id: ServiceId = field(init=False)
    services: Services = field(init=False)
    hubs: LinkedHubs = field(init=False)
    policies: AccessPolicies = field(init=False)
    enrollments: IndividualEnrollments = field(init=False)
    groups: EnrollmentGroups = field(init=False)
    registrations: Registrations = field(init=False)
    authorities: CaCertificates = field(init=False)

    def __post_init__(self) -> None:
        parts: dict[str, Any] = {"storage": self.storage, "clock": self.clock, "randomness": self.randomness}
        self.services = Services(**parts)
        self.hubs = LinkedHubs(**parts)
        self.policies = AccessPolicies(**parts)
        self.enrollments = IndividualEnrollments(**parts)
        self.groups = EnrollmentGroups(**parts)
        self.registrations = Registrations(storage=self.storage, clock=self.clock)
        self.authorities = CaCertificates(**parts)

    async def furnish(self) -> None:
        """The service and its embedded hub."""
        service, _ = await self.services.create("unit-test", host_name=HOST, actor="system")
        self.service_id = service.service_id
        hub = LinkedHub(service_id=service.service_id, host_name=HUB, connector=EMBEDDED)
        await self.hubs.link(hub, actor="system")

    async def record(self, registration_id: str, *, group_id: str | None = None) -> RegistrationRecord:
        """A registration, as a device would have left it; its subject is known afterwards."""
        known = await self.storage.audit.subject_key(self.service_id, registration_id)
        subject = known or SubjectKey(f"subject-of-{registration_id.lower()}")
        record = RegistrationRecord(
            service_id=self.service_id,
            registration_id=RegistrationId(registration_id),
            subject_key=subject,
            status=RegistrationStatus.ASSIGNED,
            etag=new_etag(self.randomness),
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
            operation_id=OperationId("5.0.0"),
            attestation_type=AttestationType.SYMMETRIC_KEY,
            enrollment_group_id=None if group_id is None else EnrollmentGroupId(group_id),
            assigned_hub=HUB,
        )
        mint = PutSubject(service_id=self.service_id, subject_key=subject, registration_id=registration_id)
        await self.storage.apply([mint, PutRegistration(record=record, expected=None)])
        return record

    async def audit(self) -> Sequence[dict[str, Any]]:
        """The bodies of the audit log, in order."""
        (chain,) = await self.storage.audit.chains()
        entries = await self.storage.audit.entries(chain, after=0, limit=1000)
        return [msgspec.json.decode(entry.body) for entry in entries]


Scenario = Callable[[World], Awaitable[None]]


@asynccontextmanager
async def opened() -> AsyncIterator[World]:
    """A furnished world, closed afterwards."""
    clock, randomness = StillClock(), CountedRandomness()
    async with fresh_storage(sealer=Sealer(bytes(32)), clock=clock, linger=0) as storage:
        world = World(storage, clock, randomness)
        await world.furnish()
        yield world


def in_world(scenario: Scenario) -> Callable[[], None]:
    """Make a test of a coroutine that takes a world."""

    async def lived() -> None:
        async with opened() as world:
            await scenario(world)

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test


def keys(primary: str | None = None, secondary: str | None = None) -> AttestationMechanism:
    """A symmetric-key attestation."""
    return AttestationMechanism(
        type=AttestationType.SYMMETRIC_KEY,
        symmetric_key=SymmetricKeyAttestation(primary_key=primary, secondary_key=secondary),
    )


def individual(registration_id: str = "Device-1", **fields: Any) -> IndividualEnrollment:
    """An individual enrollment as a client would send it."""
    return IndividualEnrollment(**{"registration_id": registration_id, "attestation": keys(), **fields})


def group(group_id: str = "Line-1", **fields: Any) -> EnrollmentGroup:
    """A group as a client would send it."""
    return EnrollmentGroup(**{"enrollment_group_id": group_id, "attestation": keys(), **fields})


STALE = ETag('"stale"')


def refused(row: ErrorRow) -> AbstractContextManager[pytest.ExceptionInfo[HomeportError]]:
    """The block must end in this error, and in no other."""
    return pytest.raises(HomeportError, check=lambda error: error.row is row)
