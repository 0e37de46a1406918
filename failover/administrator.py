"""What the operator does: enrolls groups through the front, and links the distant hub."""

import secrets
from base64 import b64encode

import httpx

from failover.database import Connection
from failover.nodes import Deployment
from failover.tokens import Group, service_token

DISTANT_HUB = "distant.example"
_API_VERSION = "2021-10-01"


async def link_distant_hub(database: Connection) -> None:
    """Link the hub of `plugin/`. Every group names its hub, so that none gets there by chance."""
    await database.execute(
        "INSERT INTO linked_hubs (service_id, host_name, connector, allocation_weight, apply_allocation_policy) "
        "SELECT service_id, $1, 'distant', 1, 1 FROM services",
        DISTANT_HUB,
    )


async def enroll_group(deployment: Deployment, group_id: str, *, hub: str) -> Group:
    """A group of devices with derived keys, all assigned to one hub.

    Raises:
        httpx.HTTPError: the service did not take it.
    """
    service = deployment.service
    key = b64encode(secrets.token_bytes(32)).decode()
    body = {
        "enrollmentGroupId": group_id,
        "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": key, "secondaryKey": key}},
        "allocationPolicy": "static",
        "iotHubs": [hub],
    }
    async with httpx.AsyncClient(verify=service.tls, base_url=f"https://{service.host}") as client:
        answer = await client.put(
            f"/enrollmentGroups/{group_id}",
            params={"api-version": _API_VERSION},
            headers={"Authorization": service_token(deployment.connection_string)},
            json=body,
        )
        answer.raise_for_status()
    return Group(group_id, key)
