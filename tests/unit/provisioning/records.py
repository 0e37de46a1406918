"""Registration records out of nothing, for tests of pure decisions."""

from datetime import UTC, datetime
from typing import Any

from homeport.model.attestation import AttestationType
from homeport.model.identifiers import ETag, OperationId, RegistrationId, ServiceId, SubjectKey
from homeport.model.registration import RegistrationRecord, RegistrationStatus

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def record(**fields: Any) -> RegistrationRecord:
    """A record of `Device-1`, assigned unless the test says otherwise."""
    return RegistrationRecord(
        **{
            "service_id": ServiceId(1),
            "registration_id": RegistrationId("Device-1"),
            "subject_key": SubjectKey("subject"),
            "status": RegistrationStatus.ASSIGNED,
            "etag": ETag('"1"'),
            "created_at": NOW,
            "updated_at": NOW,
            "operation_id": OperationId("5.0.0"),
            "attestation_type": AttestationType.SYMMETRIC_KEY,
            **fields,
        }
    )
