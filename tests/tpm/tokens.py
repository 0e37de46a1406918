"""SAS tokens that a TPM signs, as C# and Node write them for their TPM devices. Needs no homeport."""

import base64
import time
from urllib.parse import quote_plus

from tests.tpm.device import TpmDevice

_LIFETIME = 3600


def registration_token(device: TpmDevice, id_scope: str, registration_id: str) -> str:
    """For the provisioning service, under the key of its challenge."""
    return _token(device, f"{id_scope}/registrations/{registration_id}") + "&skn=registration"


def hub_token(device: TpmDevice, hub: str, device_id: str) -> str:
    """For the hub, under the key that came with the assignment."""
    return _token(device, f"{hub}/devices/{device_id}")


def _token(device: TpmDevice, what: str) -> str:
    resource, expiry = quote_plus(what), int(time.time()) + _LIFETIME
    signature = base64.b64encode(device.sign(f"{resource}\n{expiry}".encode())).decode()
    return f"SharedAccessSignature sr={resource}&sig={quote_plus(signature)}&se={expiry}"
