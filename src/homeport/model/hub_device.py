"""What a hub holds of a device: its identity and its twin, as the embedded hub keeps them.

Counterpart: `hubs/embedded/`. REST names: the hub's Device and Twin.
"""

from datetime import datetime
from typing import Any

import msgspec

from homeport.model.identifiers import DeviceId, ETag, ServiceId, SubjectKey

JsonObject = dict[str, Any]


class HubDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device identity in an embedded hub's registry. `enabled` false refuses connections.

    It has keys (base64), or thumbprints of certificates (SHA-256 or SHA-1, upper-case hex) and empty keys.
    """

    service_id: ServiceId
    hub_host_name: str
    device_id: DeviceId
    subject_key: SubjectKey
    generation_id: str
    etag: ETag
    primary_key: str
    secondary_key: str
    created_at: datetime
    updated_at: datetime
    primary_thumbprint: str | None = None
    secondary_thumbprint: str | None = None
    enabled: bool = True
    status_reason: str | None = None
    iot_edge: bool = False

    @property
    def has_certificate(self) -> bool:
        """Whether it opens its hub with a certificate (REST: type `selfSigned`), not with a key (`sas`)."""
        return self.primary_thumbprint is not None or self.secondary_thumbprint is not None

    def __repr__(self) -> str:
        return f"HubDevice(generation_id={self.generation_id!r}, …)"


class HubTwin(msgspec.Struct, frozen=True, kw_only=True):
    """A device's twin. Versions start at 1 and grow with each change of their part; `version` counts all of them."""

    service_id: ServiceId
    hub_host_name: str
    device_id: DeviceId
    etag: ETag
    updated_at: datetime
    tags: JsonObject
    desired: JsonObject
    reported: JsonObject
    desired_version: int = 1
    reported_version: int = 1
    version: int = 1
