"""A device's registration: the record that is kept, and the two views of it that leave the server.

`RegistrationRecord` is what storage holds, one row a device, its newest operation included. The service API
shows `DeviceRegistrationState`, a device reads `DeviceRegistrationResult`; both are made in `registration_views.py`.
"""

import enum
from datetime import datetime

import msgspec

from homeport.model.attestation import AttestationType, Evidence, X509CertificateInfo
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    OperationId,
    RegistrationId,
    ServiceId,
    SubjectKey,
)


class RegistrationStatus(enum.StrEnum):
    """REST: `status` of a registration. The transitions stand in `provisioning/lifecycle.py`."""

    UNASSIGNED = "unassigned"
    ASSIGNING = "assigning"
    ASSIGNED = "assigned"
    FAILED = "failed"
    DISABLED = "disabled"


class Substatus(enum.StrEnum):
    """REST: `substatus`, present with `assigned` only."""

    INITIAL_ASSIGNMENT = "initialAssignment"
    DEVICE_DATA_MIGRATED = "deviceDataMigrated"
    DEVICE_DATA_RESET = "deviceDataReset"
    REPROVISIONED_TO_INITIAL_ASSIGNMENT = "reprovisionedToInitialAssignment"


class RegistrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one device, with the operation that produced it.

    `assigned_hub` and `device_id` are those of the last successful assignment and survive a later failure.
    `payload` is what the device sent with its last `register`, as JSON bytes; `returned_payload` goes back to it.
    `subject_key` is the random name under which audit and log speak of the device.
    """

    service_id: ServiceId
    registration_id: RegistrationId
    subject_key: SubjectKey
    status: RegistrationStatus
    etag: ETag
    created_at: datetime
    updated_at: datetime
    operation_id: OperationId
    attestation_type: AttestationType
    enrollment_group_id: EnrollmentGroupId | None = None
    assigned_hub: str | None = None
    device_id: DeviceId | None = None
    substatus: Substatus | None = None
    error_code: int | None = None
    error_message: str | None = None
    payload: bytes | None = None
    returned_payload: bytes | None = None
    evidence: Evidence | None = None


class DeviceRegistrationState(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST, service API: DeviceRegistrationState."""

    registration_id: str
    status: RegistrationStatus
    created_date_time_utc: datetime | None = None
    assigned_hub: str | None = None
    device_id: str | None = None
    substatus: Substatus | None = None
    error_code: int | None = None
    error_message: str | None = None
    last_updated_date_time_utc: datetime | None = None
    etag: str | None = None
    payload: msgspec.Raw | None = None


class SymmetricKeyRegistrationResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST, device API: SymmetricKeyRegistrationResult; the group through which the device came, if any."""

    enrollment_group_id: str | None = None


class X509RegistrationResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST, device API: X509RegistrationResult; the signing certificate only for a device of a group."""

    certificate_info: X509CertificateInfo
    enrollment_group_id: str | None = None
    signing_certificate_info: X509CertificateInfo | None = None


class TpmRegistrationResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST, device API: TpmRegistrationResult; base64 of the blob that holds the key to the hub."""

    authentication_key: str


class DeviceRegistrationResult(DeviceRegistrationState, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST, device API: DeviceRegistrationResult. Never holds a null: the embedded C client refuses it."""

    symmetric_key: SymmetricKeyRegistrationResult | None = None
    x509: X509RegistrationResult | None = None
    tpm: TpmRegistrationResult | None = None


class RegistrationOperationStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST, device API: RegistrationOperationStatus, the body of `register` and of a poll."""

    operation_id: str
    status: RegistrationStatus
    registration_state: DeviceRegistrationResult | None = None


class RegistrationOperation(msgspec.Struct, frozen=True, kw_only=True):
    """A service's answer to a device: the body, and after how many seconds to ask again (None: it is final)."""

    body: RegistrationOperationStatus | DeviceRegistrationResult
    retry_after: int | None = None
