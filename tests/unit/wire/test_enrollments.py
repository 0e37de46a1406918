"""Enrollments and groups as clients send them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport import errors
from homeport.errors import ErrorRow, HomeportError
from homeport.model.attestation import AttestationType, X509CertificateWithInfo
from homeport.model.bulk import BulkMode
from homeport.model.enrollment import ProvisioningStatus
from homeport.model.identifiers import EnrollmentGroupId, RegistrationId
from homeport.model.linked_hub import AllocationPolicy
from homeport.wire.enrollments import (
    check_query,
    read_enrollment_group,
    read_group_bulk,
    read_individual_bulk,
    read_individual_enrollment,
)

ID = RegistrationId("device-1")
LEAST = {"registrationId": "device-1", "attestation": {"type": "symmetricKey"}}
TEXTS = st.sampled_from(["", "a", "type", "symmetricKey", "tags", "desired", "é"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
FIELDS = (
    *("registrationId", "deviceId", "registrationState", "optionalDeviceInformation", "attestation", "capabilities"),
    *("iotHubHostName", "initialTwin", "etag", "provisioningStatus", "reprovisionPolicy", "createdDateTimeUtc"),
    *("lastUpdatedDateTimeUtc", "allocationPolicy", "iotHubs", "customAllocationDefinition"),
)


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({**LEAST, **fields})


def refusal(text: bytes) -> HomeportError:
    with pytest.raises(HomeportError) as caught:
        read_individual_enrollment(text, ID)
    return caught.value


def row_of(text: bytes) -> ErrorRow | None:
    try:
        read_individual_enrollment(text, ID)
    except HomeportError as error:
        return error.row
    return None


def test_every_writable_field_is_read_by_its_name() -> None:
    enrollment = read_individual_enrollment(
        body(
            deviceId="d",
            optionalDeviceInformation={"a": 1},
            attestation={"type": "symmetricKey", "symmetricKey": {"primaryKey": "p", "secondaryKey": "s"}},
            capabilities={"iotEdge": True},
            iotHubHostName="h",
            initialTwin={"tags": {"t": 1}, "properties": {"desired": {"d": 2}}},
            etag='"e"',
            provisioningStatus="disabled",
            reprovisionPolicy={"updateHubAssignment": False, "migrateDeviceData": False},
            allocationPolicy="static",
            iotHubs=["a", "b"],
        ),
        ID,
    )
    assert enrollment.device_id == "d"
    assert enrollment.optional_device_information == {"a": 1}
    assert enrollment.attestation.type is AttestationType.SYMMETRIC_KEY
    assert enrollment.attestation.symmetric_key is not None
    assert enrollment.attestation.symmetric_key.secondary_key == "s"
    assert enrollment.capabilities is not None
    assert enrollment.capabilities.iot_edge
    assert enrollment.iot_hub_host_name == "h"
    assert enrollment.initial_twin is not None
    assert enrollment.initial_twin.tags == {"t": 1}
    assert enrollment.initial_twin.properties is not None
    assert enrollment.initial_twin.properties.desired == {"d": 2}
    assert enrollment.etag == '"e"'
    assert enrollment.provisioning_status is ProvisioningStatus.DISABLED
    assert enrollment.reprovision_policy is not None
    assert not enrollment.reprovision_policy.update_hub_assignment
    assert enrollment.allocation_policy is AllocationPolicy.STATIC
    assert enrollment.iot_hubs == ("a", "b")


def test_defaults_are_filled_in() -> None:
    enrollment = read_individual_enrollment(body(), ID)
    assert enrollment.provisioning_status is ProvisioningStatus.ENABLED
    assert msgspec.json.decode(msgspec.json.encode(enrollment))["provisioningStatus"] == "enabled"


def test_read_only_fields_are_not_even_looked_at() -> None:
    enrollment = read_individual_enrollment(
        body(registrationState={"status": 7}, createdDateTimeUtc="yesterday", lastUpdatedDateTimeUtc=[]), ID
    )
    assert enrollment.registration_state is None
    assert enrollment.created_date_time_utc is None


def test_nulls_and_unknown_members_are_tolerated() -> None:
    nulls = dict.fromkeys(set(FIELDS) - set(LEAST))
    mechanism = {"type": "symmetricKey", "tpm": None, "x509": None, "symmetricKey": {"primaryKey": None}}
    sent = body(**nulls | {"attestation": mechanism, "namespaceName": "n", "somethingNew": {"a": [None]}})
    assert read_individual_enrollment(sent, ID).attestation.type is AttestationType.SYMMETRIC_KEY


def test_nulls_in_free_form_objects_are_the_callers_own() -> None:
    twin = {"tags": {"a": None}, "properties": {"desired": {"b": {"c": None}}}}
    enrollment = read_individual_enrollment(body(initialTwin=twin, optionalDeviceInformation={"d": None}), ID)
    assert msgspec.to_builtins(enrollment.initial_twin) == twin
    assert enrollment.optional_device_information == {"d": None}


INFO = {
    "subjectName": "CN=device-1",
    "sha1Thumbprint": "AB",
    "sha256Thumbprint": "CD",
    "issuerName": "CN=device-1",
    "notBeforeUtc": "2024-01-01T00:00:00.0000000Z",
    "notAfterUtc": "2049-01-01T00:00:00Z",
    "serialNumber": "0A",
    "version": 3,
}


def x509(**members: Any) -> bytes:
    return body(attestation={"type": "x509", "x509": members})


def test_certificates_are_read_as_they_come() -> None:
    sent = x509(
        clientCertificates={"primary": {"certificate": "PEM"}, "secondary": None},
        signingCertificates=None,
        caReferences=None,
        allowExpiredCertificates=True,
    )
    attestation = read_individual_enrollment(sent, ID).attestation.x509
    assert attestation is not None
    assert attestation.client_certificates is not None
    assert attestation.client_certificates.primary == X509CertificateWithInfo(certificate="PEM")
    assert attestation.client_certificates.secondary is None
    assert (attestation.signing_certificates, attestation.ca_references) == (None, None)
    assert attestation.allow_expired_certificates is True


@pytest.mark.parametrize("kind", ["clientCertificates", "signingCertificates"])
def test_the_info_of_a_certificate_is_read_if_it_is_whole(kind: str) -> None:
    halves: list[Any] = [{}, {**INFO, "notAfterUtc": None}, {"sha256Thumbprint": "CD"}, "CD", 7, []]
    for info in [INFO, *halves]:
        sent = x509(**{kind: {"secondary": {"info": info}}})
        read = msgspec.to_builtins(read_individual_enrollment(sent, ID).attestation.x509)
        assert ("info" in read[kind]["secondary"]) is (info is INFO)


@pytest.mark.parametrize(
    ("attestation", "path"),
    [
        ({"type": "x509", "x509": []}, "$.attestation.x509"),
        ({"type": "x509", "x509": {"clientCertificates": "PEM"}}, "$.attestation.x509.clientCertificates"),
        ({"type": "x509", "x509": {"caReferences": {"primary": 1}}}, "$.attestation.x509.caReferences.primary"),
        (
            {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": 1}}}},
            "$.attestation.x509.clientCertificates.primary.certificate",
        ),
        ({"type": "x509", "x509": {"allowExpiredCertificates": 1}}, "$.attestation.x509.allowExpiredCertificates"),
        ({"type": "tpm", "tpm": {"endorsementKey": None}}, "$.attestation.tpm"),
        ({"type": "tpm", "tpm": {"endorsementKey": 5}}, "$.attestation.tpm.endorsementKey"),
    ],
)
def test_a_wrong_member_of_an_attestation_is_named(attestation: Any, path: str) -> None:
    assert refusal(body(attestation=attestation)).info["path"] == path


def test_the_id_may_differ_in_case_only() -> None:
    assert read_individual_enrollment(body(registrationId="DEVICE-1"), ID).registration_id == "DEVICE-1"
    error = refusal(body(registrationId="device-2"))
    assert (error.row, error.info["path"]) == (errors.INVALID_BODY, "$.registrationId")


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"deviceId": 5}, "$.deviceId", "`str`"),
        ({"attestation": "symmetricKey"}, "$.attestation", "`object`"),
        ({"attestation": {"type": "password"}}, "$.attestation.type", "none, tpm, x509, symmetricKey"),
        ({"provisioningStatus": "paused"}, "$.provisioningStatus", "enabled, disabled"),
        ({"allocationPolicy": "random"}, "$.allocationPolicy", "hashed, geoLatency, static, custom"),
        ({"iotHubs": ["a", 1]}, "$.iotHubs[1]", "`str`"),
        ({"capabilities": {"iotEdge": "yes"}}, "$.capabilities.iotEdge", "`bool`"),
        ({"initialTwin": {"tags": []}}, "$.initialTwin.tags", "`object`"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_should_be(fields: dict[str, Any], path: str, expected: str) -> None:
    error = refusal(body(**fields))
    assert error.row is errors.INVALID_BODY
    assert error.info["path"] == path
    assert expected in error.info["expected"]


def test_a_missing_field_is_named() -> None:
    assert "attestation" in refusal(b'{"registrationId": "device-1"}').message


@pytest.mark.parametrize("levels", [500, 100_000])
def test_deep_nesting_is_read_or_refused(levels: int) -> None:
    text = b'{"registrationId":"device-1","attestation":{"type":"symmetricKey"},"x":' + b'{"a":' * levels
    text += b"1" + b"}" * (levels + 1)
    assert row_of(text) in (None, errors.INVALID_BODY)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES))
def test_any_fields_are_read_or_refused(fields: dict[str, Any]) -> None:
    assert row_of(msgspec.json.encode(fields)) in (None, errors.INVALID_BODY)


def test_a_group_is_read_by_its_own_id() -> None:
    sent = msgspec.json.encode({"enrollmentGroupId": "G", "attestation": {"type": "symmetricKey"}})
    assert read_enrollment_group(sent, EnrollmentGroupId("g")).enrollment_group_id == "G"
    with pytest.raises(HomeportError) as caught:
        read_enrollment_group(sent, EnrollmentGroupId("h"))
    assert caught.value.row is errors.INVALID_BODY


@pytest.mark.parametrize("text", [b"", b"{}", b'{"query": "*"}', b'{"query": "SELECT ` nonsense", "x": 1}'])
def test_any_query_passes(text: bytes) -> None:
    check_query(text)


@pytest.mark.parametrize("text", [b"*", b"[]", b'{"query": 5}'])
def test_what_is_no_query_is_refused(text: bytes) -> None:
    with pytest.raises(HomeportError) as caught:
        check_query(text)
    assert caught.value.row is errors.INVALID_BODY


def bulk(mode: object, items: object) -> bytes:
    return msgspec.json.encode({"mode": mode, "enrollments": items})


@pytest.mark.parametrize(
    ("spelling", "mode"),
    [
        ("create", BulkMode.CREATE),
        ("Update", BulkMode.UPDATE),
        ("updateIfMatchEtag", BulkMode.UPDATE_IF_MATCH_ETAG),
        ("updateIfMatchETag", BulkMode.UPDATE_IF_MATCH_ETAG),
    ],
)
def test_bulk_modes_in_any_case(spelling: str, mode: BulkMode) -> None:
    operation = read_individual_bulk(bulk(spelling, [LEAST, {**LEAST, "etag": "e"}]))
    assert operation.mode is mode
    assert [entry.etag for entry in operation.entries] == [None, "e"]


def test_a_bulk_deletion_needs_only_ids() -> None:
    operation = read_individual_bulk(bulk("delete", [{"registrationId": "a"}, {"registrationId": "b", "x": 1}]))
    assert (operation.entries, operation.removals) == ((), ("a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        bulk("create", []),
        bulk("create", [LEAST] * 11),
        bulk("create", None),
        bulk("create", "x"),
        bulk("create", [1]),
        bulk("replace", [LEAST]),
        bulk(None, [LEAST]),
        bulk(1, [LEAST]),
        bulk("delete", [{}]),
        bulk("delete", [{"registrationId": 1}]),
    ],
)
def test_what_is_no_bulk_is_refused(text: bytes) -> None:
    with pytest.raises(HomeportError) as caught:
        read_individual_bulk(text)
    assert caught.value.row is errors.INVALID_BODY


def test_a_wrong_field_in_a_bulk_is_named_by_its_place() -> None:
    with pytest.raises(HomeportError) as caught:
        read_individual_bulk(bulk("create", [LEAST, {**LEAST, "deviceId": 1}]))
    assert caught.value.info["path"] == "$.enrollments[1].deviceId"


def test_a_bulk_of_groups() -> None:
    group = {"enrollmentGroupId": "g", "attestation": {"type": "symmetricKey"}}
    operation = read_group_bulk(msgspec.json.encode({"mode": "create", "enrollmentGroups": [group]}))
    assert [entry.enrollment_group_id for entry in operation.entries] == ["g"]
