"""Shared access policies: a name, two keys and the rights that whoever signs with them has."""

import enum

import msgspec

from homeport.model.identifiers import ServiceId


class AccessRight(enum.StrEnum):
    """REST: AccessRightsDescription, and those of a hub's policies."""

    SERVICE_CONFIG = "ServiceConfig"
    ENROLLMENT_READ = "EnrollmentRead"
    ENROLLMENT_WRITE = "EnrollmentWrite"
    REGISTRATION_STATUS_READ = "RegistrationStatusRead"
    REGISTRATION_STATUS_WRITE = "RegistrationStatusWrite"
    REGISTRY_READ = "RegistryRead"
    REGISTRY_WRITE = "RegistryWrite"
    SERVICE_CONNECT = "ServiceConnect"


PROVISIONING_RIGHTS = frozenset(
    {
        AccessRight.SERVICE_CONFIG,
        AccessRight.ENROLLMENT_READ,
        AccessRight.ENROLLMENT_WRITE,
        AccessRight.REGISTRATION_STATUS_READ,
        AccessRight.REGISTRATION_STATUS_WRITE,
    }
)
HUB_RIGHTS = frozenset({AccessRight.REGISTRY_READ, AccessRight.REGISTRY_WRITE, AccessRight.SERVICE_CONNECT})


class SharedAccessPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of a provisioning service, or of an embedded hub when `hub_host_name` is set. Keys are base64."""

    service_id: ServiceId
    key_name: str
    primary_key: str
    secondary_key: str
    rights: frozenset[AccessRight]
    hub_host_name: str | None = None

    def __repr__(self) -> str:
        return f"SharedAccessPolicy({self.key_name!r}, …)"
