"""Secrets at rest: seal and open with AES-256-GCM, bound to the place where they are kept.

What seals must open again in the same place only: table, service and key of the row go in as associated data,
so that a blob copied into another row does not open. A sealed blob starts with the format and the ID of its
key, hence keys can be rotated row by row. Knows nothing of rows; `storage/rows.py` says what is sealed.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from homeport.clock import Randomness, SystemRandomness

KEY_SIZE = 32
"""Bytes of a sealing key: AES-256."""

_FORMAT = b"\x01"
_KEY_ID_SIZE = 4
_NONCE_SIZE = 12
_HEADER_SIZE = len(_FORMAT) + _KEY_ID_SIZE
_TAG_SIZE = 16


class SealBroken(Exception):
    """The blob was changed, belongs elsewhere, or was sealed with another key."""


class Sealer:
    """Seals with one key. The nonce is random: one key is good for 2^32 blobs (NIST SP 800-38D, section 8.3)."""

    def __init__(self, key: bytes, randomness: Randomness | None = None) -> None:
        """`key` are 32 random bytes.

        Raises:
            ValueError: the key has another length.
        """
        if len(key) != KEY_SIZE:
            raise ValueError(f"A sealing key has {KEY_SIZE} bytes, this one {len(key)}.")
        self._cipher = AESGCM(key)
        self._header = _FORMAT + _key_id(key)
        self._randomness = randomness or SystemRandomness()

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Format, key ID, nonce, ciphertext and tag of `plaintext`, to be opened with the same `context`."""
        nonce = self._randomness.token(_NONCE_SIZE)
        return self._header + nonce + self._cipher.encrypt(nonce, plaintext, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed.

        Raises:
            SealBroken: with the reason, and nothing of the content.
        """
        if not sealed.startswith(self._header):
            raise SealBroken("The blob was sealed with another key, or is none.")
        if len(sealed) < _HEADER_SIZE + _NONCE_SIZE + _TAG_SIZE:
            raise SealBroken("The blob is cut off.")
        body = _HEADER_SIZE + _NONCE_SIZE
        try:
            return self._cipher.decrypt(sealed[_HEADER_SIZE:body], sealed[body:], context.encode())
        except InvalidTag as error:
            raise SealBroken("The blob was changed, or belongs to another place.") from error


def _key_id(key: bytes) -> bytes:
    """Tells keys apart and says nothing about them: a digest of a random key, cut short."""
    return hashlib.sha256(b"homeport sealing key\x00" + key).digest()[:_KEY_ID_SIZE]
