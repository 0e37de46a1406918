"""By what a device was let in, so that it can be asked later whether it still would be. Pure.

An opener names a key or a certificate of a device without giving it away: the digest of a key, a thumbprint.
"""

import hashlib

from homeport.model.hub_device import HubDevice


def opener_of_key(key: str) -> str:
    """The opener of a symmetric key, given in base64."""
    return f"key {hashlib.sha256(key.encode()).hexdigest()}"


def opener_of_certificate(thumbprint: str) -> str:
    """The opener of a certificate, given by the thumbprint that the device has of it."""
    return f"certificate {thumbprint}"


def still_opens(opener: str, device: HubDevice | None) -> bool:
    """Whether the hub would let the device in by this today."""
    if device is None or not device.enabled:
        return False
    keys = {opener_of_key(key) for key in (device.primary_key, device.secondary_key) if key}
    thumbprints = (device.primary_thumbprint, device.secondary_thumbprint)
    return opener in keys | {opener_of_certificate(thumbprint) for thumbprint in thumbprints if thumbprint}
