"""Public keys in the form of a TPM's, made without one: for tests that only compare or encrypt."""

import struct
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa

EK_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
_ENDORSEMENT, _STORAGE = 0x000300B2, 0x00030472


@cache
def public_key(number: int, attributes: int, policy: bytes) -> bytes:
    """A TPM2B_PUBLIC of an RSA-2048 storage key with SHA-256 and AES-128-CFB; the same for the same number."""
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    area = struct.pack(">HHIH", 0x0001, 0x000B, attributes, len(policy)) + policy
    area += struct.pack(">HHHHHI", 0x0006, 128, 0x0043, 0x0010, 2048, 0)
    area += struct.pack(">H", 256) + modulus.to_bytes(256, "big")
    return struct.pack(">H", len(area)) + area


EK = public_key(1, _ENDORSEMENT, EK_POLICY)
OTHER_EK = public_key(2, _ENDORSEMENT, EK_POLICY)
SRK = public_key(3, _STORAGE, b"")
