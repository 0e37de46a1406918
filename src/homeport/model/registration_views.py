"""A registration record as the two APIs show it.

The service API shows DeviceRegistrationState, a device DeviceRegistrationResult with the object of its
attestation. Members without a value are left out; clients refuse nulls.
"""

import base64

import msgspec

from homeport.model.attestation import AttestationType, TpmEvidence, X509Evidence
from homeport.model.registration import (
    DeviceRegistrationResult,
    DeviceRegistrationState,
    RegistrationRecord,
    SymmetricKeyRegistrationResult,
    TpmRegistrationResult,
    X509RegistrationResult,
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
        x509=_x509(record),
        tpm=_tpm(record),
    )


def _symmetric_key(record: RegistrationRecord) -> SymmetricKeyRegistrationResult | None:
    if record.attestation_type is not AttestationType.SYMMETRIC_KEY:
        return None
    return SymmetricKeyRegistrationResult(enrollment_group_id=record.enrollment_group_id)


def _x509(record: RegistrationRecord) -> X509RegistrationResult | None:
    evidence = record.evidence
    if not isinstance(evidence, X509Evidence):
        return None
    return X509RegistrationResult(
        certificate_info=evidence.certificate,
        enrollment_group_id=record.enrollment_group_id,
        signing_certificate_info=evidence.signing_certificate,
    )


def _tpm(record: RegistrationRecord) -> TpmRegistrationResult | None:
    evidence = record.evidence
    if not isinstance(evidence, TpmEvidence) or evidence.authentication_key is None:
        return None
    return TpmRegistrationResult(authentication_key=base64.b64encode(evidence.authentication_key).decode())


def _raw(payload: bytes | None) -> msgspec.Raw | None:
    return None if payload is None else msgspec.Raw(payload)
