"""Enrollments: who may register, individually or as a group, and what they are given.

The structs double as the JSON of the service API (REST: IndividualEnrollment, EnrollmentGroup). Read-only
fields that a client sends back are dropped by `wire/`. Fields with a default that a client must always see
(`provisioningStatus`) are filled before they are stored.
"""

import enum
from datetime import datetime
from typing import Any

import msgspec

from homeport.model.attestation import AttestationMechanism
from homeport.model.linked_hub import AllocationPolicy
from homeport.model.registration import DeviceRegistrationState

TwinCollection = dict[str, Any]
"""REST: TwinCollection, a free-form JSON object."""


class ProvisioningStatus(enum.StrEnum):
    """REST: `provisioningStatus`."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeviceCapabilities(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: DeviceCapabilities."""

    iot_edge: bool = False


class InitialTwinProperties(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: InitialTwinProperties."""

    desired: TwinCollection | None = None


class InitialTwin(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: InitialTwin, written to the hub when the device is first assigned."""

    tags: TwinCollection | None = None
    properties: InitialTwinProperties | None = None


class ReprovisionPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """REST: ReprovisionPolicy. Never: both false. Reset: true, false. Migrate, the default: both true."""

    update_hub_assignment: bool = True
    migrate_device_data: bool = True


class Enrollment(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What individual enrollments and groups have in common."""

    attestation: AttestationMechanism
    provisioning_status: ProvisioningStatus = msgspec.field(default_factory=lambda: ProvisioningStatus.ENABLED)
    capabilities: DeviceCapabilities | None = None
    iot_hub_host_name: str | None = None
    iot_hubs: tuple[str, ...] | None = None
    allocation_policy: AllocationPolicy | None = None
    initial_twin: InitialTwin | None = None
    reprovision_policy: ReprovisionPolicy | None = None
    etag: str | None = None
    created_date_time_utc: datetime | None = None
    last_updated_date_time_utc: datetime | None = None


class IndividualEnrollment(Enrollment, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: IndividualEnrollment. `deviceId` defaults to the registration ID when the device is assigned."""

    registration_id: str
    device_id: str | None = None
    optional_device_information: TwinCollection | None = None
    registration_state: DeviceRegistrationState | None = None


class EnrollmentGroup(Enrollment, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: EnrollmentGroup. Its devices' IDs are their registration IDs."""

    enrollment_group_id: str
