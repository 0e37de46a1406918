from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.material import NOW, SEALER, SERVICE, attestation, group, hub_device, hub_twin, individual, policy

from homeport.model.attestation import AttestationType, TpmEvidence
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    OperationId,
    RegistrationId,
    ServiceId,
    SubjectKey,
    folded,
)
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.storage import rows

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
TEXT = st.text(max_size=20)
RECORDS = st.builds(
    RegistrationRecord,
    service_id=st.integers(1, 2**31).map(ServiceId),
    registration_id=TEXT.map(RegistrationId),
    subject_key=TEXT.map(SubjectKey),
    status=st.sampled_from(RegistrationStatus),
    etag=TEXT.map(ETag),
    created_at=TIMES,
    updated_at=TIMES,
    operation_id=TEXT.map(OperationId),
    attestation_type=st.sampled_from(AttestationType),
    enrollment_group_id=st.none() | TEXT.map(EnrollmentGroupId),
    assigned_hub=st.none() | TEXT,
    device_id=st.none() | TEXT.map(DeviceId),
    substatus=st.none() | st.sampled_from(Substatus),
    error_code=st.none() | st.integers(0, 999_999),
    error_message=st.none() | TEXT,
    payload=st.none() | st.binary(max_size=20),
    returned_payload=st.none() | st.binary(max_size=20),
    evidence=st.none()
    | st.builds(
        TpmEvidence,
        endorsement_key=st.binary(),
        storage_root_key=st.binary(),
        authentication_key=st.none() | st.binary(),
    ),
)
# Where the columns of a SELECT stand among the parameters of an INSERT; see storage/sql/registrations.sql.
SELECTED = (19, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17)


@given(RECORDS)
def test_a_record_survives_its_row(record: RegistrationRecord) -> None:
    parameters = rows.registration_parameters(record, None)
    assert rows.registration(tuple(parameters[index] for index in SELECTED)) == record


@given(RECORDS)
def test_a_records_row_ends_with_its_key_and_holds_only_plain_values(record: RegistrationRecord) -> None:
    parameters = rows.registration_parameters(record, NOW)
    assert parameters[-2:] == (record.service_id, folded(record.registration_id))
    assert {type(value) for value in parameters} <= {str, int, bytes, type(None)}


def test_keys_leave_the_document_and_come_back_from_their_column() -> None:
    entry = individual("Dev-1")
    etag, document, sealed = rows.individual_columns(SERVICE, entry, SEALER)
    context = rows.place(rows.INDIVIDUALS, SERVICE, "dev-1")
    assert etag == entry.etag
    assert b"Key" not in document.replace(b"symmetricKey", b"")
    assert rows.individual_with_keys(document, sealed, SEALER, context) == entry
    assert rows.individual(document).attestation.symmetric_key is None


def test_a_group_survives_its_row() -> None:
    entry = group("Group-1")
    _, created_at, document, sealed = rows.group_columns(SERVICE, entry, SEALER)
    context = rows.place(rows.GROUPS, SERVICE, "group-1")
    assert rows.group_with_keys(document, sealed, SEALER, context) == entry
    assert rows.group(document).attestation.symmetric_key is None
    assert created_at == 1795500000123456


def test_an_entry_without_its_etag_is_not_stored() -> None:
    with pytest.raises(ValueError, match="etag"):
        rows.individual_columns(SERVICE, msgspec.structs.replace(individual("dev-1"), etag=None), SEALER)


def test_the_key_of_a_row_is_part_of_where_its_secret_belongs() -> None:
    places = {
        rows.place("a", SERVICE, "x"),
        rows.place("b", SERVICE, "x"),
        rows.place("a", ServiceId(2), "x"),
        rows.place("a", SERVICE, "y"),
        rows.place("a", SERVICE, "x", "y"),
        rows.place("a", SERVICE, "xy"),
    }
    assert len(places) == 6


def test_no_parameter_of_a_secret_bearing_row_holds_the_secret() -> None:
    keys = attestation().symmetric_key
    assert keys is not None
    assert keys.primary_key is not None
    parameters = rows.policy_parameters(policy("owner"), SEALER) + rows.hub_device_parameters(hub_device("d"), SEALER)
    held = [value if isinstance(value, bytes) else str(value).encode() for value in parameters]
    assert not any(keys.primary_key.encode() in value for value in held)


@pytest.mark.parametrize(
    "fields",
    [{}, {"primary_key": "", "secondary_key": "", "primary_thumbprint": "AB" * 32}],
    ids=["keys", "certificate"],
)
def test_a_device_survives_its_row(fields: dict[str, str]) -> None:
    device = hub_device("d", status_reason="lost", iot_edge=True, **fields)
    *columns, service_id, hub_host_name, device_id = rows.hub_device_parameters(device, SEALER)
    assert rows.hub_device((service_id, hub_host_name, device_id, *columns), SEALER) == device


def test_a_twin_survives_its_row() -> None:
    twin = hub_twin("d", reported={"a": [1, {"b": None}]}, version=3)
    row = (twin.service_id, twin.hub_host_name, twin.device_id, *rows.hub_twin_columns(twin))
    assert rows.hub_twin(row) == twin
