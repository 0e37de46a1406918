"""Rows and models: the one place that knows how a struct lies in columns, for every engine.

Parameters are tuples in the order of the statements in `storage/sql/`; a row's key stands last where one tuple
serves an INSERT and an UPDATE. Symmetric keys leave the document here and go sealed into their own column, both
in one blob, bound to table, service and key of the row. Knows no driver.
"""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from homeport.clock import from_microseconds, to_microseconds
from homeport.model.access_policy import AccessRight, SharedAccessPolicy
from homeport.model.attestation import AttestationType, Evidence, IssuedChallenge, SymmetricKeyAttestation
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.ca_certificate import CaCertificate
from homeport.model.enrollment import Enrollment, EnrollmentGroup, IndividualEnrollment
from homeport.model.hub_device import HubDevice, HubTwin, JsonObject
from homeport.model.identifiers import (
    DeviceId,
    EnrollmentGroupId,
    ETag,
    IdScope,
    OperationId,
    RegistrationId,
    ServiceId,
    SubjectKey,
    folded,
)
from homeport.model.linked_hub import AllocationPolicy, LinkedHub
from homeport.model.provisioning_service import ProvisioningService
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.security.sealing import Sealer

SqlValue = str | int | bytes | None
Parameters = tuple[SqlValue, ...]
Row = tuple[Any, ...]
"""What a driver returns; its types are the schema's."""

E = TypeVar("E", bound=Enrollment)
T = TypeVar("T")

INDIVIDUALS = "individual_enrollments"
GROUPS = "enrollment_groups"
POLICIES = "policies"
HUB_DEVICES = "hub_devices"
CHALLENGES = "tpm_challenges"

_encode = msgspec.json.Encoder().encode
_decode_individual = msgspec.json.Decoder(IndividualEnrollment).decode
_decode_group = msgspec.json.Decoder(EnrollmentGroup).decode
_decode_ca_certificate = msgspec.json.Decoder(CaCertificate).decode
_decode_object = msgspec.json.Decoder(JsonObject).decode
_decode_rights = msgspec.json.Decoder(frozenset[AccessRight]).decode
_decode_keys = msgspec.json.Decoder(tuple[str | None, str | None]).decode
_decode_evidence = msgspec.json.Decoder(Evidence).decode
_decode_challenge = msgspec.json.Decoder(tuple[bytes, bytes, bytes]).decode
_decode_facts = msgspec.json.Decoder(dict[str, str]).decode
_decode_key_pair = msgspec.json.Decoder(tuple[str, str]).decode


def place(table: str, service_id: ServiceId, *key: str) -> str:
    """Where a sealed blob belongs: the context that it is sealed with."""
    return "\x00".join((table, str(service_id), *key))


def individual_columns(
    service_id: ServiceId, enrollment: IndividualEnrollment, sealer: Sealer
) -> tuple[str, bytes, bytes | None]:
    """ETag, document and sealed keys. The registration's state is no part of the document: it has its own row."""
    context = place(INDIVIDUALS, service_id, folded(enrollment.registration_id))
    sealed = _seal_attestation(enrollment, sealer, context)
    bare = msgspec.structs.replace(_without_keys(enrollment), registration_state=None)
    return _required(enrollment.etag, "etag"), _encode(bare), sealed


def group_columns(
    service_id: ServiceId, group: EnrollmentGroup, sealer: Sealer
) -> tuple[str, int, bytes, bytes | None]:
    """ETag, time of creation, document and sealed keys."""
    sealed = _seal_attestation(group, sealer, place(GROUPS, service_id, folded(group.enrollment_group_id)))
    created_at = to_microseconds(_required(group.created_date_time_utc, "createdDateTimeUtc"))
    return _required(group.etag, "etag"), created_at, _encode(_without_keys(group)), sealed


def individual(document: bytes) -> IndividualEnrollment:
    """An entry without its keys."""
    return _decode_individual(document)


def individual_with_keys(document: bytes, sealed: bytes | None, sealer: Sealer, context: str) -> IndividualEnrollment:
    """An entry with its keys; raises SealBroken."""
    entry = _decode_individual(document)
    return entry if sealed is None else _with_keys(entry, sealer.open(sealed, context))


def group(document: bytes) -> EnrollmentGroup:
    """A group without its keys."""
    return _decode_group(document)


def group_with_keys(document: bytes, sealed: bytes | None, sealer: Sealer, context: str) -> EnrollmentGroup:
    """A group with its keys; raises SealBroken."""
    entry = _decode_group(document)
    return entry if sealed is None else _with_keys(entry, sealer.open(sealed, context))


def ca_certificate_parameters(certificate: CaCertificate) -> Parameters:
    """ETag and document, then the key."""
    return certificate.etag, _encode(certificate), certificate.service_id, certificate.name


def ca_certificate(document: bytes) -> CaCertificate:
    """A CA certificate of a service."""
    return _decode_ca_certificate(document)


def registration_parameters(record: RegistrationRecord, claimed_until: datetime | None) -> Parameters:
    """All columns of a record, its key last. Plain strings for enums: the driver is slow to adapt a subclass."""
    group_id = record.enrollment_group_id
    return (
        record.registration_id,
        record.subject_key,
        record.status.value,
        record.etag,
        to_microseconds(record.created_at),
        to_microseconds(record.updated_at),
        record.operation_id,
        record.attestation_type.value,
        None if group_id is None else folded(group_id),
        group_id,
        record.assigned_hub,
        record.device_id,
        None if record.substatus is None else record.substatus.value,
        record.error_code,
        record.error_message,
        record.payload,
        record.returned_payload,
        None if record.evidence is None else _encode(record.evidence),
        None if claimed_until is None else to_microseconds(claimed_until),
        record.service_id,
        folded(record.registration_id),
    )


def registration(row: Row) -> RegistrationRecord:
    """A record from the columns that every SELECT of records lists."""
    group_id, device_id, substatus = row[9], row[11], row[12]
    return RegistrationRecord(
        service_id=ServiceId(row[0]),
        registration_id=RegistrationId(row[1]),
        subject_key=SubjectKey(row[2]),
        status=RegistrationStatus(row[3]),
        etag=ETag(row[4]),
        created_at=from_microseconds(row[5]),
        updated_at=from_microseconds(row[6]),
        operation_id=OperationId(row[7]),
        attestation_type=AttestationType(row[8]),
        enrollment_group_id=None if group_id is None else EnrollmentGroupId(group_id),
        assigned_hub=row[10],
        device_id=None if device_id is None else DeviceId(device_id),
        substatus=None if substatus is None else Substatus(substatus),
        error_code=row[13],
        error_message=row[14],
        payload=row[15],
        returned_payload=row[16],
        evidence=None if row[17] is None else _decode_evidence(row[17]),
    )


def challenge_parameters(challenge: IssuedChallenge, sealer: Sealer) -> Parameters:
    """All columns of a fresh challenge, its key first."""
    key = (challenge.service_id, folded(challenge.registration_id))
    keys = _encode((challenge.key, challenge.endorsement_key, challenge.storage_root_key))
    return *key, sealer.seal(keys, place(CHALLENGES, *key)), to_microseconds(challenge.expires_at)


def challenge(service_id: ServiceId, registration_id: RegistrationId, row: Row, sealer: Sealer) -> IssuedChallenge:
    """A challenge; raises SealBroken."""
    sealed, expires_at, spent_on = row
    opened = sealer.open(sealed, place(CHALLENGES, service_id, folded(registration_id)))
    key, endorsement_key, storage_root_key = _decode_challenge(opened)
    return IssuedChallenge(
        service_id=service_id,
        registration_id=registration_id,
        key=key,
        endorsement_key=endorsement_key,
        storage_root_key=storage_root_key,
        expires_at=from_microseconds(expires_at),
        spent_on=spent_on,
    )


def attestation_failure_parameters(failure: AttestationFailure) -> Parameters:
    """All columns of a failure, its key first."""
    return (
        failure.service_id,
        folded(failure.registration_id),
        failure.registration_id,
        to_microseconds(failure.occurred_at),
        int(failure.is_known),
        failure.error_code,
        failure.cause,
        failure.message,
        _encode(dict(failure.facts)),
        failure.transport,
        failure.correlation_id,
    )


def attestation_failure(row: Row) -> AttestationFailure:
    """A failure."""
    return AttestationFailure(
        service_id=ServiceId(row[0]),
        registration_id=RegistrationId(row[1]),
        occurred_at=from_microseconds(row[2]),
        is_known=bool(row[3]),
        error_code=row[4],
        cause=row[5],
        message=row[6],
        facts=_decode_facts(row[7]),
        transport=row[8],
        correlation_id=row[9],
    )


def service_parameters(service: ProvisioningService) -> Parameters:
    """All columns of a service."""
    return (
        service.service_id,
        folded(service.id_scope),
        service.id_scope,
        service.name,
        service.host_name,
        service.allocation_policy.value,
        to_microseconds(service.created_at),
    )


def service(row: Row) -> ProvisioningService:
    """A service."""
    return ProvisioningService(
        service_id=ServiceId(row[0]),
        id_scope=IdScope(row[1]),
        name=row[2],
        host_name=row[3],
        allocation_policy=AllocationPolicy(row[4]),
        created_at=from_microseconds(row[5]),
    )


def linked_hub_parameters(hub: LinkedHub) -> Parameters:
    """All columns of a linked hub."""
    return hub.service_id, hub.host_name, hub.connector, hub.allocation_weight, int(hub.apply_allocation_policy)


def linked_hub(row: Row) -> LinkedHub:
    """A linked hub."""
    return LinkedHub(
        service_id=ServiceId(row[0]),
        host_name=row[1],
        connector=row[2],
        allocation_weight=row[3],
        apply_allocation_policy=bool(row[4]),
    )


def policy_key(service_id: ServiceId, key_name: str, hub_host_name: str | None) -> tuple[ServiceId, str, str]:
    """A policy's key. The service's own policies have the empty host name."""
    return service_id, hub_host_name or "", folded(key_name)


def policy_parameters(policy: SharedAccessPolicy, sealer: Sealer) -> Parameters:
    """All columns of a policy."""
    key = policy_key(policy.service_id, policy.key_name, policy.hub_host_name)
    sealed = sealer.seal(_encode((policy.primary_key, policy.secondary_key)), place(POLICIES, *key))
    return *key, policy.key_name, _encode(sorted(policy.rights)).decode(), sealed


def policy(row: Row, sealer: Sealer) -> SharedAccessPolicy:
    """A policy with its keys; raises SealBroken."""
    service_id, hub_host_name, key_name, rights, sealed = row
    context = place(POLICIES, *policy_key(service_id, key_name, hub_host_name))
    primary, secondary = _decode_key_pair(sealer.open(sealed, context))
    return SharedAccessPolicy(
        service_id=service_id,
        key_name=key_name,
        primary_key=primary,
        secondary_key=secondary,
        rights=_decode_rights(rights),
        hub_host_name=hub_host_name or None,
    )


def hub_device_parameters(device: HubDevice, sealer: Sealer) -> Parameters:
    """All columns of a device identity, its key last."""
    context = place(HUB_DEVICES, device.service_id, device.hub_host_name, device.device_id)
    return (
        device.subject_key,
        device.generation_id,
        device.etag,
        int(device.enabled),
        device.status_reason,
        int(device.iot_edge),
        sealer.seal(_encode((device.primary_key, device.secondary_key)), context),
        device.primary_thumbprint,
        device.secondary_thumbprint,
        to_microseconds(device.created_at),
        to_microseconds(device.updated_at),
        device.service_id,
        device.hub_host_name,
        device.device_id,
    )


def hub_device(row: Row, sealer: Sealer) -> HubDevice:
    """A device identity with its keys, which are empty if it has a certificate; raises SealBroken."""
    context = place(HUB_DEVICES, row[0], row[1], row[2])
    primary, secondary = _decode_key_pair(sealer.open(row[9], context))
    return HubDevice(
        service_id=ServiceId(row[0]),
        hub_host_name=row[1],
        device_id=DeviceId(row[2]),
        subject_key=SubjectKey(row[3]),
        generation_id=row[4],
        etag=ETag(row[5]),
        enabled=bool(row[6]),
        status_reason=row[7],
        iot_edge=bool(row[8]),
        primary_key=primary,
        secondary_key=secondary,
        primary_thumbprint=row[10],
        secondary_thumbprint=row[11],
        created_at=from_microseconds(row[12]),
        updated_at=from_microseconds(row[13]),
    )


def hub_twin_columns(twin: HubTwin) -> Parameters:
    """A twin's columns, without the key that it shares with its device."""
    return (
        twin.etag,
        to_microseconds(twin.updated_at),
        _encode(twin.tags),
        _encode(twin.desired),
        _encode(twin.reported),
        twin.desired_version,
        twin.reported_version,
        twin.version,
    )


def hub_twin(row: Row) -> HubTwin:
    """A twin."""
    return HubTwin(
        service_id=ServiceId(row[0]),
        hub_host_name=row[1],
        device_id=DeviceId(row[2]),
        etag=ETag(row[3]),
        updated_at=from_microseconds(row[4]),
        tags=_decode_object(row[5]),
        desired=_decode_object(row[6]),
        reported=_decode_object(row[7]),
        desired_version=row[8],
        reported_version=row[9],
        version=row[10],
    )


def _without_keys(entry: E) -> E:
    attestation = msgspec.structs.replace(entry.attestation, symmetric_key=None)
    return msgspec.structs.replace(entry, attestation=attestation)


def _seal_attestation(entry: Enrollment, sealer: Sealer, context: str) -> bytes | None:
    keys = entry.attestation.symmetric_key
    return None if keys is None else sealer.seal(_encode((keys.primary_key, keys.secondary_key)), context)


def _with_keys(entry: E, opened: bytes) -> E:
    primary, secondary = _decode_keys(opened)
    keys = SymmetricKeyAttestation(primary_key=primary, secondary_key=secondary)
    attestation = msgspec.structs.replace(entry.attestation, symmetric_key=keys)
    return msgspec.structs.replace(entry, attestation=attestation)


def _required(value: T | None, field: str) -> T:
    if value is None:
        raise ValueError(f"An entry is stored with its {field}.")
    return value
