"""Symmetric keys as a fleet's owner makes them: computed apart from homeport's code, so that the two can disagree."""

import base64
import hashlib
import hmac
import secrets


def new_key() -> str:
    """A 64-byte key in base64, as the hosted service generates them."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def derived_key(group_key: str, registration_id: str) -> str:
    """A group member's own key: HMAC-SHA256 of its registration ID under the group's key."""
    digest = hmac.digest(base64.b64decode(group_key), registration_id.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()
