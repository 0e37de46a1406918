"""One provisioning service of the deployment: its own ID scope, host names, policies, hubs and enrollments."""

from datetime import datetime

import msgspec

from homeport.model.identifiers import IdScope, ServiceId
from homeport.model.linked_hub import AllocationPolicy


class ProvisioningService(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant. The ID scope chooses it for devices, the host name for administrators."""

    service_id: ServiceId
    name: str
    id_scope: IdScope
    host_name: str
    allocation_policy: AllocationPolicy
    created_at: datetime
