"""The five readers, for every engine: each method is one statement, and its rows made into models.

They know nothing of connections: an engine gives them its `Fetch`. On SQLite that never waits. Counterpart:
`storage/port.py` says what each returns.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from homeport.model.access_policy import SharedAccessPolicy
from homeport.model.attestation import IssuedChallenge
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.ca_certificate import CaCertificate
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import DeviceId, EnrollmentGroupId, RegistrationId, ServiceId, SubjectKey, folded
from homeport.model.linked_hub import LinkedHub
from homeport.model.provisioning_service import ProvisioningService
from homeport.model.registration import RegistrationRecord
from homeport.security.sealing import Sealer
from homeport.storage import change_steps, rows
from homeport.storage.port import AuditEntry, RegistrationContext
from homeport.storage.sql import load
from homeport.storage.transaction import Transaction
from homeport.storage.writer import GroupCommitWriter

_ENROLLMENTS = load("enrollments")
_CA_CERTIFICATES = load("ca_certificates")
_REGISTRATIONS = load("registrations")
_SETTINGS = load("settings")
_AUDIT = load("audit")
_HUB_DEVICES = load("hub_devices")
_FAILURES = load("attestation_failures")

Fetch = Callable[[str, rows.Parameters], Awaitable[Sequence[rows.Row]]]
"""All rows of a statement of `storage/sql/`; raises StorageUnavailable in place of the driver's errors."""


class StoredEnrollments:
    """Implements `port.EnrollmentReader`."""

    def __init__(self, fetch: Fetch, sealer: Sealer) -> None:
        self._fetch = fetch
        self._sealer = sealer

    async def individual(self, service_id: ServiceId, registration_id: RegistrationId) -> IndividualEnrollment | None:
        key = (service_id, folded(registration_id))
        for document, sealed in await self._fetch(_ENROLLMENTS["individual"], key):
            return rows.individual_with_keys(document, sealed, self._sealer, rows.place(rows.INDIVIDUALS, *key))
        return None

    async def individuals(self, service_id: ServiceId, *, after: str, limit: int) -> Sequence[IndividualEnrollment]:
        page = await self._fetch(_ENROLLMENTS["individuals"], (service_id, folded(after), limit))
        return [rows.individual(document) for (document,) in page]

    async def group(self, service_id: ServiceId, group_id: EnrollmentGroupId) -> EnrollmentGroup | None:
        key = (service_id, folded(group_id))
        for document, sealed in await self._fetch(_ENROLLMENTS["group"], key):
            return rows.group_with_keys(document, sealed, self._sealer, rows.place(rows.GROUPS, *key))
        return None

    async def groups(self, service_id: ServiceId, *, after: str, limit: int) -> Sequence[EnrollmentGroup]:
        page = await self._fetch(_ENROLLMENTS["groups"], (service_id, folded(after), limit))
        return [rows.group(document) for (document,) in page]

    async def candidate_groups(self, service_id: ServiceId) -> Sequence[EnrollmentGroup]:
        return [
            rows.group_with_keys(document, sealed, self._sealer, rows.place(rows.GROUPS, service_id, folded_id))
            for folded_id, document, sealed in await self._fetch(_ENROLLMENTS["candidate_groups"], (service_id,))
        ]

    async def ca_certificates(self, service_id: ServiceId) -> Sequence[CaCertificate]:
        return [
            rows.ca_certificate(document)
            for (document,) in await self._fetch(_CA_CERTIFICATES["of_service"], (service_id,))
        ]


class StoredRegistrations:
    """Implements `port.RegistrationReader`; its one write goes through the writer."""

    def __init__(self, fetch: Fetch, sealer: Sealer, writer: GroupCommitWriter[Transaction]) -> None:
        self._fetch = fetch
        self._sealer = sealer
        self._writer = writer

    async def context(self, service_id: ServiceId, registration_id: RegistrationId) -> RegistrationContext:
        key = (service_id, folded(registration_id))
        document, sealed, subject_key, version, *record = (await self._fetch(_REGISTRATIONS["context"], key))[0]
        enrollment = None
        if document is not None:
            context = rows.place(rows.INDIVIDUALS, *key)
            enrollment = rows.individual_with_keys(document, sealed, self._sealer, context)
        return RegistrationContext(
            enrollment=enrollment,
            record=None if record[0] is None else rows.registration(tuple(record)),
            subject_key=subject_key,
            groups_version=version or 0,
        )

    async def record(self, service_id: ServiceId, registration_id: RegistrationId) -> RegistrationRecord | None:
        found = await self._fetch(_REGISTRATIONS["record"], (service_id, folded(registration_id)))
        return rows.registration(found[0]) if found else None

    async def tpm_challenge(self, service_id: ServiceId, registration_id: RegistrationId) -> IssuedChallenge | None:
        found = await self._fetch(_REGISTRATIONS["tpm_challenge"], (service_id, folded(registration_id)))
        return rows.challenge(service_id, registration_id, found[0], self._sealer) if found else None

    async def failure(self, service_id: ServiceId, registration_id: RegistrationId) -> AttestationFailure | None:
        found = await self._fetch(_FAILURES["failure"], (service_id, folded(registration_id)))
        return rows.attestation_failure(found[0]) if found else None

    async def of_group(
        self, service_id: ServiceId, group_id: EnrollmentGroupId, *, after: str, limit: int
    ) -> Sequence[RegistrationRecord]:
        page = (service_id, folded(group_id), folded(after), limit)
        return [rows.registration(row) for row in await self._fetch(_REGISTRATIONS["of_group"], page)]

    async def claim_next(self, *, now: datetime, claimed_until: datetime) -> RegistrationRecord | None:
        return await self._writer.submit(partial(change_steps.claim_next, now=now, claimed_until=claimed_until))


class StoredSettings:
    """Implements `port.SettingsReader`."""

    def __init__(self, fetch: Fetch, sealer: Sealer) -> None:
        self._fetch = fetch
        self._sealer = sealer

    async def services(self) -> Sequence[ProvisioningService]:
        return [rows.service(row) for row in await self._fetch(_SETTINGS["services"], ())]

    async def linked_hubs(self, service_id: ServiceId) -> Sequence[LinkedHub]:
        return [rows.linked_hub(row) for row in await self._fetch(_SETTINGS["linked_hubs"], (service_id,))]

    async def policy(
        self, service_id: ServiceId, key_name: str, hub_host_name: str | None = None
    ) -> SharedAccessPolicy | None:
        found = await self._fetch(_SETTINGS["policy"], rows.policy_key(service_id, key_name, hub_host_name))
        return rows.policy(found[0], self._sealer) if found else None

    async def policies(self, service_id: ServiceId, hub_host_name: str | None = None) -> Sequence[SharedAccessPolicy]:
        found = await self._fetch(_SETTINGS["policies"], (service_id, hub_host_name or ""))
        return [rows.policy(row, self._sealer) for row in found]


class StoredAudit:
    """Implements `port.AuditReader`."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def entries(self, chain: str, *, after: int, limit: int) -> Sequence[AuditEntry]:
        return [
            AuditEntry(chain=name, sequence=sequence, body=body, hash=digest)
            for name, sequence, body, digest in await self._fetch(_AUDIT["entries"], (chain, after, limit))
        ]

    async def chains(self) -> Sequence[str]:
        return [name for (name,) in await self._fetch(_AUDIT["chains"], ())]

    async def subject_key(self, service_id: ServiceId, registration_id: str) -> SubjectKey | None:
        found = await self._fetch(_REGISTRATIONS["subject_key"], (service_id, folded(registration_id)))
        return SubjectKey(found[0][0]) if found else None


class StoredHubDevices:
    """Implements `port.HubDeviceReader`."""

    def __init__(self, fetch: Fetch, sealer: Sealer) -> None:
        self._fetch = fetch
        self._sealer = sealer

    async def device(self, service_id: ServiceId, hub_host_name: str, device_id: DeviceId) -> HubDevice | None:
        found = await self._fetch(_HUB_DEVICES["device"], (service_id, hub_host_name, device_id))
        return rows.hub_device(found[0], self._sealer) if found else None

    async def devices(self, service_id: ServiceId, hub_host_name: str, *, limit: int) -> Sequence[HubDevice]:
        found = await self._fetch(_HUB_DEVICES["devices"], (service_id, hub_host_name, limit))
        return [rows.hub_device(row, self._sealer) for row in found]

    async def twin(self, service_id: ServiceId, hub_host_name: str, device_id: DeviceId) -> HubTwin | None:
        found = await self._fetch(_HUB_DEVICES["twin"], (service_id, hub_host_name, device_id))
        return rows.hub_twin(found[0]) if found else None
