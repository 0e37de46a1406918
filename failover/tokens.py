"""SAS tokens of devices and of the administrator, made as any client makes them."""

import time
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from homeport.security.key_derivation import derive_device_key
from homeport.security.sas import decode_key, sign_sas_token

_LIFETIME = 3600


@dataclass(frozen=True)
class Group:
    """An enrollment group, and the key that its devices' keys are derived from."""

    group_id: str
    key: str = field(repr=False)

    def device_token(self, id_scope: str, registration_id: str) -> str:
        """A token for the provisioning service."""
        key = derive_device_key(decode_key(self.key), registration_id)
        resource = quote_plus(f"{id_scope}/registrations/{registration_id}")
        return sign_sas_token(resource=resource, key=key, expiry=_expiry(), key_name="registration")


def service_token(connection_string: str) -> str:
    """A token for the service API."""
    parts = dict(part.split("=", 1) for part in connection_string.split(";"))
    key, name = decode_key(parts["SharedAccessKey"]), parts["SharedAccessKeyName"]
    return sign_sas_token(resource=parts["HostName"], key=key, expiry=_expiry(), key_name=name)


def _expiry() -> int:
    return int(time.time()) + _LIFETIME
