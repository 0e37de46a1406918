"""What devices and administrators sign: SAS tokens for the provisioning service, its API, and the hub."""

import time
from urllib.parse import quote_plus

from tests.sockets.server_process import Deployment

from homeport.security.key_derivation import derive_device_key, encode_key
from homeport.security.sas import decode_key, sign_sas_token

_LIFETIME = 3600


def expiry() -> int:
    """An hour from now, in Unix seconds."""
    return int(time.time()) + _LIFETIME


def device_key(group_key: str, registration_id: str) -> str:
    """A group member's own key."""
    return encode_key(derive_device_key(decode_key(group_key), registration_id))


def device_token(deployment: Deployment, registration_id: str, key: str) -> str:
    """A device's token for the provisioning service."""
    resource = quote_plus(f"{deployment.id_scope}/registrations/{registration_id}")
    return sign_sas_token(resource=resource, key=decode_key(key), expiry=expiry(), key_name="registration")


def hub_device_token(hub: str, device_id: str, key: str) -> str:
    """A device's token for its hub."""
    return sign_sas_token(resource=quote_plus(f"{hub}/devices/{device_id}"), key=decode_key(key), expiry=expiry())


def service_token(deployment: Deployment) -> str:
    """An administrator's token for the service API."""
    key, name = decode_key(deployment.service_key), deployment.service_policy
    return sign_sas_token(resource=deployment.host, key=key, expiry=expiry(), key_name=name)


def hub_token(deployment: Deployment) -> str:
    """An administrator's token for the hub's REST API."""
    key, name = decode_key(deployment.hub_key), deployment.hub_policy
    return sign_sas_token(resource=deployment.host, key=key, expiry=expiry(), key_name=name)
