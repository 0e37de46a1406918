"""Public keys as TPMs hand them out: TPM2B_PUBLIC (TCG TPM 2.0 Library, part 2, section 12.2.5). Needs no homeport."""

import struct

from cryptography.hazmat.primitives.asymmetric import rsa

_EK_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
"""PolicySecret(endorsement hierarchy), the default template's (TCG EK Credential Profile, template L-1)."""
_EK_ATTRIBUTES = 0x000300B2
_SRK_ATTRIBUTES = 0x00030472
_RSA, _SHA256, _AES, _CFB, _NULL = 0x0001, 0x000B, 0x0006, 0x0043, 0x0010


def endorsement_key(bits: int = 2048) -> bytes:
    """A fresh endorsement key after the default template."""
    return _public(_EK_ATTRIBUTES, _EK_POLICY, bits)


def storage_root_key(bits: int = 2048) -> bytes:
    """A fresh storage root key."""
    return _public(_SRK_ATTRIBUTES, b"", bits)


def _public(attributes: int, policy: bytes, bits: int) -> bytes:
    modulus = rsa.generate_private_key(65537, bits).public_key().public_numbers().n.to_bytes(bits // 8, "big")
    area = struct.pack(">HHI", _RSA, _SHA256, attributes) + _sized(policy)
    # The exponent 0 stands for 65537.
    area += struct.pack(">HHHHHI", _AES, 128, _CFB, _NULL, bits, 0) + _sized(modulus)
    return _sized(area)


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


EK, OTHER_EK, SRK = endorsement_key(), endorsement_key(), storage_root_key()
"""For tests that only compare or encrypt."""
