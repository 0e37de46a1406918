"""Changes as values: what a service wants written, decided before anything is locked.

A service reads once, decides, and hands a list of these to `Storage.apply`, which commits all of them or none.
So decisions stay pure, many services' lists share one commit, and an engine may batch by kind. A change that
names an expectation fails with `ChangedMeanwhile` when the row is no longer as the service saw it.
"""

from datetime import datetime

import msgspec

from homeport.model.access_policy import SharedAccessPolicy
from homeport.model.attestation import IssuedChallenge
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.ca_certificate import CaCertificate
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.events import AuditEvent
from homeport.model.hub_device import HubDevice, HubTwin
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    RegistrationId,
    ServiceId,
    SubjectKey,
)
from homeport.model.linked_hub import LinkedHub
from homeport.model.provisioning_service import ProvisioningService
from homeport.model.registration import RegistrationRecord


class ChangedMeanwhile(Exception):
    """A row is not as the service read it; read again and decide again."""


class PutSubject(msgspec.Struct, frozen=True, kw_only=True):
    """Give an identifier its random name. Fails if it has another one already."""

    service_id: ServiceId
    subject_key: SubjectKey
    registration_id: str


class PutIndividualEnrollment(msgspec.Struct, frozen=True, kw_only=True):
    """Insert (`expected` None) or replace the entry whose etag is `expected`. The entry carries its new etag,
    times and, in `attestation`, its keys."""

    service_id: ServiceId
    enrollment: IndividualEnrollment
    expected: ETag | None


class DeleteIndividualEnrollment(msgspec.Struct, frozen=True, kw_only=True):
    """Delete the entry whose etag is `expected`, and its registration record unless `keep_records`."""

    service_id: ServiceId
    registration_id: RegistrationId
    expected: ETag
    keep_records: bool = False


class PutEnrollmentGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Insert (`expected` None) or replace the group whose etag is `expected`."""

    service_id: ServiceId
    group: EnrollmentGroup
    expected: ETag | None


class DeleteEnrollmentGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Delete the group whose etag is `expected`, and the records that came through it unless `keep_records`.

    Up to 1,000 records go in the same transaction; for the rest a purge is noted; `Storage.purge_next` works it off.
    """

    service_id: ServiceId
    enrollment_group_id: EnrollmentGroupId
    expected: ETag
    deleted_at: datetime
    keep_records: bool = False


class PutCaCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """Insert (`expected` None) or replace the CA certificate whose etag is `expected`. Counts as a change of the
    service's groups, since caches hold both."""

    certificate: CaCertificate
    expected: ETag | None


class DeleteCaCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """Delete the CA certificate whose etag is `expected`; groups that name it stay. Counts as a change of them."""

    service_id: ServiceId
    name: str
    expected: ETag


class PutRegistration(msgspec.Struct, frozen=True, kw_only=True):
    """Insert (`expected` None) or replace the record whose etag is `expected`.

    With `claimed_until` the record's operation is open and belongs to whoever wrote it until that time; a
    worker takes it over afterwards.
    """

    record: RegistrationRecord
    expected: ETag | None
    claimed_until: datetime | None = None


class DeleteRegistration(msgspec.Struct, frozen=True, kw_only=True):
    """Delete the record whose etag is `expected`."""

    service_id: ServiceId
    registration_id: RegistrationId
    expected: ETag


class PutTpmChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a challenge that is about to be issued; the one before is void."""

    challenge: IssuedChallenge


class SpendTpmChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """Let a challenge count for one operation (empty: a connection). Fails if it is spent or no longer the newest."""

    challenge: IssuedChallenge
    spent_on: str


class PutAttestationFailures(msgspec.Struct, frozen=True, kw_only=True):
    """Keep each as the last failure of its registration ID; drop the oldest beyond the limits."""

    failures: tuple[AttestationFailure, ...]


class PutService(msgspec.Struct, frozen=True, kw_only=True):
    """Insert a provisioning service."""

    service: ProvisioningService


class PutLinkedHub(msgspec.Struct, frozen=True, kw_only=True):
    """Insert or replace a linked hub."""

    hub: LinkedHub


class PutPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Insert or replace a shared access policy."""

    policy: SharedAccessPolicy


class DeletePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Delete a shared access policy; fails if there is none of that name."""

    service_id: ServiceId
    key_name: str
    hub_host_name: str | None = None


class EnsureHubDevice(msgspec.Struct, frozen=True, kw_only=True):
    """Make the device exist with these keys: insert it with its twin, or update keys and capabilities of the one there.

    An existing twin is kept, unless `reset_twin`.
    """

    device: HubDevice
    twin: HubTwin
    reset_twin: bool = False


class PutHubDevice(msgspec.Struct, frozen=True, kw_only=True):
    """Insert (`expected` None) or replace the device whose etag is `expected`."""

    device: HubDevice
    expected: ETag | None


class DeleteHubDevice(msgspec.Struct, frozen=True, kw_only=True):
    """Delete the device whose etag is `expected`, with its twin."""

    service_id: ServiceId
    hub_host_name: str
    device_id: DeviceId
    expected: ETag


class PutHubTwin(msgspec.Struct, frozen=True, kw_only=True):
    """Insert (`expected` None) or replace the twin whose etag is `expected`."""

    twin: HubTwin
    expected: ETag | None


class AppendAudit(msgspec.Struct, frozen=True, kw_only=True):
    """Append to the writer's audit chain, in the same transaction."""

    event: AuditEvent


Change = (
    PutSubject
    | PutIndividualEnrollment
    | DeleteIndividualEnrollment
    | PutEnrollmentGroup
    | DeleteEnrollmentGroup
    | PutCaCertificate
    | DeleteCaCertificate
    | PutRegistration
    | DeleteRegistration
    | PutTpmChallenge
    | SpendTpmChallenge
    | PutAttestationFailures
    | PutService
    | PutLinkedHub
    | PutPolicy
    | DeletePolicy
    | EnsureHubDevice
    | PutHubDevice
    | DeleteHubDevice
    | PutHubTwin
    | AppendAudit
)
