"""Derived keys: from an enrollment group's key and a registration ID to that device's own key.

Source: the service's concept page on symmetric-key attestation. The ID enters as the caller wrote it, without
folding: every client's own derivation does the same.
"""

import base64
import hashlib
import hmac


def derive_device_key(group_key: bytes, registration_id: str) -> bytes:
    """HMAC-SHA256 of the registration ID (UTF-8) under the decoded group key; 32 bytes."""
    return hmac.digest(group_key, registration_id.encode(), hashlib.sha256)


def encode_key(key: bytes) -> str:
    """A key in the form in which it travels and is stored: base64."""
    return base64.b64encode(key).decode()
