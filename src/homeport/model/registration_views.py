"""A registration record as the two APIs show it.

The service API shows DeviceRegistrationState, a device DeviceRegistrationResult with the object of its
attestation. Members without a value are left out; clients refuse nulls.
"""

import msgspec

from homeport.model.attestation import AttestationType
from homeport.model.registration import (
    DeviceRegistrationResult,
    DeviceRegistrationState,
    RegistrationRecord,
    SymmetricKeyRegistrationResult,
)


def service_view(record: RegistrationRecord) -> DeviceRegistrationState:
    """REST, service API: DeviceRegistrationState."""
    return DeviceRegistrationState(
        registration_id=record.registration_id,
        status=record.status,
        created_date_time_utc=record.created_at,
        assigned_hub=record.assigned_hub,
        device_id=record.device_id,
        substatus=record.substatus,
        error_code=record.error_code,
        error_message=record.error_message,
        last_updated_date_time_utc=record.updated_at,
        etag=record.etag,
        payload=_raw(record.returned_payload),
    )


def device_view(record: RegistrationRecord) -> DeviceRegistrationResult:
    """REST, device API: DeviceRegistrationResult."""
    return DeviceRegistrationResult(
        registration_id=record.registration_id,
        status=record.status,
        created_date_time_utc=record.created_at,
        assigned_hub=record.assigned_hub,
        device_id=record.device_id,
        substatus=record.substatus,
        error_code=record.error_code,
        error_message=record.error_message,
        last_updated_date_time_utc=record.updated_at,
        etag=record.etag,
        payload=_raw(record.returned_payload),
        symmetric_key=_symmetric_key(record),
    )


def _symmetric_key(record: RegistrationRecord) -> SymmetricKeyRegistrationResult | None:
    if record.attestation_type is not AttestationType.SYMMETRIC_KEY:
        return None
    return SymmetricKeyRegistrationResult(enrollment_group_id=record.enrollment_group_id)


def _raw(payload: bytes | None) -> msgspec.Raw | None:
    return None if payload is None else msgspec.Raw(payload)
