"""What services may ask of storage: five readers and one way to write.

Reads are shaped by use, not by table. Writes are values (`storage/changes.py`); `apply` returns when they are
durable. *Not found* is None; *changed meanwhile* is one exception. There is no in-memory double: tests use
SQLite in memory with the real SQL.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from homeport.model.access_policy import SharedAccessPolicy
from homeport.model.attestation import IssuedChallenge
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.ca_certificate import CaCertificate
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    RegistrationId,
    ServiceId,
    SubjectKey,
)
from homeport.model.linked_hub import LinkedHub
from homeport.model.provisioning_service import ProvisioningService
from homeport.model.registration import RegistrationRecord
from homeport.storage.changes import Change


class StorageUnavailable(Exception):
    """The database does not answer or cannot write; nothing was acknowledged."""


class RegistrationContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one registration request needs, from one read.

    `enrollment` holds its keys. `groups_version` grows whenever a group, a CA certificate or a linked hub of the
    service changes, so that a cache of them is never older than the read. `subject_key` is None for an identifier
    never seen.
    """

    enrollment: IndividualEnrollment | None
    record: RegistrationRecord | None
    subject_key: SubjectKey | None
    groups_version: int


class EnrollmentReader(Protocol):
    """Individual enrollments and groups. Keys are in what `get` and `groups` return; the edge hides them."""

    async def individual(self, service_id: ServiceId, registration_id: RegistrationId) -> IndividualEnrollment | None:
        """One individual enrollment, with its keys."""
        ...

    async def individuals(self, service_id: ServiceId, *, after: str, limit: int) -> Sequence[IndividualEnrollment]:
        """A page in the order of the folded registration ID, starting behind `after` ("" for the first). No keys."""
        ...

    async def group(self, service_id: ServiceId, group_id: EnrollmentGroupId) -> EnrollmentGroup | None:
        """One group, with its keys."""
        ...

    async def groups(self, service_id: ServiceId, *, after: str, limit: int) -> Sequence[EnrollmentGroup]:
        """A page of groups in the order of the folded ID. No keys."""
        ...

    async def candidate_groups(self, service_id: ServiceId) -> Sequence[EnrollmentGroup]:
        """Every group of the service with its keys, oldest first; a device's token is tried against them."""
        ...

    async def ca_certificates(self, service_id: ServiceId) -> Sequence[CaCertificate]:
        """Every CA certificate of the service, verified or not, in the order of their names."""
        ...


class RegistrationReader(Protocol):
    """Registration records."""

    async def context(self, service_id: ServiceId, registration_id: RegistrationId) -> RegistrationContext:
        """The one read of a registration request."""
        ...

    async def record(self, service_id: ServiceId, registration_id: RegistrationId) -> RegistrationRecord | None:
        """One record."""
        ...

    async def tpm_challenge(self, service_id: ServiceId, registration_id: RegistrationId) -> IssuedChallenge | None:
        """The newest challenge of a device's TPM, spent or not."""
        ...

    async def failure(self, service_id: ServiceId, registration_id: RegistrationId) -> AttestationFailure | None:
        """Why the device was last refused; None if it was not, or long ago."""
        ...

    async def of_group(
        self, service_id: ServiceId, group_id: EnrollmentGroupId, *, after: str, limit: int
    ) -> Sequence[RegistrationRecord]:
        """A page of the records that came through a group, in the order of the folded registration ID."""
        ...

    async def claim_next(self, *, now: datetime, claimed_until: datetime) -> RegistrationRecord | None:
        """Claim one open operation whose claim has run out; None if there is none. Durable."""
        ...


class SettingsReader(Protocol):
    """Services, linked hubs, policies: small, read often."""

    async def services(self) -> Sequence[ProvisioningService]:
        """Every service of the deployment."""
        ...

    async def linked_hubs(self, service_id: ServiceId) -> Sequence[LinkedHub]:
        """The hubs of a service, in the order of their host names."""
        ...

    async def policy(
        self, service_id: ServiceId, key_name: str, hub_host_name: str | None = None
    ) -> SharedAccessPolicy | None:
        """A policy by its name, compared ignoring case."""
        ...

    async def policies(self, service_id: ServiceId, hub_host_name: str | None = None) -> Sequence[SharedAccessPolicy]:
        """The policies of a service, or of one of its embedded hubs."""
        ...


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in a chain. `hash` covers the entry and the hash before it."""

    chain: str
    sequence: int
    body: bytes
    hash: bytes


class AuditReader(Protocol):
    """The audit log."""

    async def entries(self, chain: str, *, after: int, limit: int) -> Sequence[AuditEntry]:
        """A page of a chain, in order, starting behind the sequence number `after`."""
        ...

    async def chains(self) -> Sequence[str]:
        """The names of all chains."""
        ...

    async def subject_key(self, service_id: ServiceId, registration_id: str) -> SubjectKey | None:
        """The random name of an identifier; None if it was never seen, or was erased."""
        ...


class HubDeviceReader(Protocol):
    """What embedded hubs hold."""

    async def device(self, service_id: ServiceId, hub_host_name: str, device_id: DeviceId) -> HubDevice | None:
        """One identity, with its keys."""
        ...

    async def devices(self, service_id: ServiceId, hub_host_name: str, *, limit: int) -> Sequence[HubDevice]:
        """The first identities of a hub in the order of their IDs, with their keys."""
        ...

    async def twin(self, service_id: ServiceId, hub_host_name: str, device_id: DeviceId) -> HubTwin | None:
        """One twin."""
        ...


class Storage(Protocol):
    """A database engine, behind one door."""

    @property
    def enrollments(self) -> EnrollmentReader: ...
    @property
    def registrations(self) -> RegistrationReader: ...
    @property
    def settings(self) -> SettingsReader: ...
    @property
    def audit(self) -> AuditReader: ...
    @property
    def hub_devices(self) -> HubDeviceReader: ...

    async def apply(self, changes: Sequence[Change]) -> None:
        """Commit all changes or none; durable when it returns.

        Raises:
            ChangedMeanwhile: an expectation did not hold; nothing was written.
            StorageUnavailable: the database could not write; nothing was acknowledged.
        """
        ...

    async def purge_next(self) -> bool:
        """Work off one batch of a noted purge; False when there is nothing left to do."""
        ...

    async def check(self) -> None:
        """Return if the database can read and write; raises StorageUnavailable."""
        ...

    async def close(self) -> None:
        """Commit what is queued, then close."""
        ...
