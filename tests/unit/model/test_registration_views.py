"""A record as the two APIs show it, in JSON."""

from typing import Any

import msgspec
from tests.unit.provisioning.records import record

from homeport.model.attestation import AttestationType
from homeport.model.identifiers import DeviceId, EnrollmentGroupId
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.model.registration_views import device_view, service_view

ASSIGNED = record(
    assigned_hub="hub.test",
    device_id=DeviceId("dev"),
    substatus=Substatus.INITIAL_ASSIGNMENT,
    payload=b'{"sent":"by the device"}',
    returned_payload=b'{"a":[1,2.50]}',
)
SHOWN = {
    "registrationId": "Device-1",
    "status": "assigned",
    "createdDateTimeUtc": "2030-01-02T03:04:05Z",
    "assignedHub": "hub.test",
    "deviceId": "dev",
    "substatus": "initialAssignment",
    "lastUpdatedDateTimeUtc": "2030-01-02T03:04:05Z",
    "etag": '"1"',
    "payload": {"a": [1, 2.5]},
}


def json(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_service_api_shows_the_state() -> None:
    assert json(service_view(ASSIGNED)) == SHOWN


def test_a_device_reads_the_same_and_its_attestation() -> None:
    assert json(device_view(ASSIGNED)) == {**SHOWN, "symmetricKey": {}}


def test_a_member_reads_its_group() -> None:
    member = msgspec.structs.replace(ASSIGNED, enrollment_group_id=EnrollmentGroupId("Line-1"))
    assert json(device_view(member))["symmetricKey"] == {"enrollmentGroupId": "Line-1"}
    assert "symmetricKey" not in json(service_view(member))


def test_another_attestation_has_no_symmetric_key() -> None:
    other = msgspec.structs.replace(ASSIGNED, attestation_type=AttestationType.TPM)
    assert "symmetricKey" not in json(device_view(other))


def test_a_failure_shows_its_error() -> None:
    failed = record(status=RegistrationStatus.FAILED, error_code=400208, error_message="No hub.")
    shown = json(device_view(failed))
    assert (shown["status"], shown["errorCode"], shown["errorMessage"]) == ("failed", 400208, "No hub.")


def test_no_view_ever_holds_a_null() -> None:
    for bare in (record(), record(status=RegistrationStatus.ASSIGNING)):
        for view in (service_view, device_view):
            assert b"null" not in msgspec.json.encode(view(bare))


def test_a_payload_goes_back_byte_by_byte() -> None:
    assert b'"payload":{"a":[1,2.50]}' in msgspec.json.encode(device_view(ASSIGNED))


def test_what_names_subjects_stays_inside() -> None:
    texts = [msgspec.json.encode(view(ASSIGNED)) for view in (service_view, device_view)]
    assert all(b"subject" not in text and b"sent" not in text for text in texts)


def test_every_status_of_the_catalogue_is_shown_as_it_is() -> None:
    def shown(status: RegistrationStatus) -> RegistrationRecord:
        return record(status=status)

    assert [json(service_view(shown(status)))["status"] for status in RegistrationStatus] == list(RegistrationStatus)
