"""What happened, as data. Audit entry, log line and metric are three renderings of one event.

Services return events beside their value. Where an event must outlive the process it is written as an audit
entry in the transaction of the change that it tells of. `subject_key` stands for the device or the entry;
`detail` holds facts that identify nobody.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from homeport.model.identifiers import ServiceId, SubjectKey


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit log, before its place in a chain is known.

    `kind` is the event's class name; `actor` a policy name, `device` or `system`.
    """

    service_id: ServiceId
    occurred_at: datetime
    kind: str
    actor: str
    subject_key: SubjectKey | None = None
    detail: Mapping[str, str | int | bool] = msgspec.field(default_factory=lambda: MappingProxyType({}))


class AttestationAttempted(msgspec.Struct, frozen=True, kw_only=True):
    """A device tried to prove itself. `cause` is empty when it did."""

    service_id: ServiceId | None
    succeeded: bool
    cause: str = ""
    subject_key: SubjectKey | None = None


class RegistrationAttempted(msgspec.Struct, frozen=True, kw_only=True):
    """A registration was tried after attestation; `status` is what it came to."""

    service_id: ServiceId
    status: str
    subject_key: SubjectKey
    hub_host_name: str | None = None


class DeviceAssigned(msgspec.Struct, frozen=True, kw_only=True):
    """A device has got its hub."""

    service_id: ServiceId
    subject_key: SubjectKey
    hub_host_name: str
    substatus: str


class EntryChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An administrator changed something; `kind` says what (`EnrollmentCreated`, `PolicyDeleted`, …)."""

    service_id: ServiceId
    kind: str
    actor: str
    subject_key: SubjectKey | None = None


class CertificateUse(enum.StrEnum):
    """Where a certificate that devices descend from is kept."""

    CA_CERTIFICATE = "ca_certificate"
    SIGNING_CERTIFICATE = "signing_certificate"


class ExpiringCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that ends soon, or has ended; `holder` is the CA certificate's name, or the group's ID."""

    use: CertificateUse
    holder: str
    sha256_thumbprint: str
    not_after: datetime


class CertificatesChecked(msgspec.Struct, frozen=True, kw_only=True):
    """The daily look at certificates; these are all that end soon, the next first."""

    expiring: tuple[ExpiringCertificate, ...]


ServiceEvent = AttestationAttempted | RegistrationAttempted | DeviceAssigned | EntryChanged | CertificatesChecked
