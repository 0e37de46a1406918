"""Credentials that one TPM alone can open: the blob that devices activate, from the public keys that they show.

Bytes in, bytes out; randomness comes as an argument. The blob has six parts, each with its size in front
(TPM 2.0 Library, Part 1: "Credential Protection" and "Duplication"; the field's clients read them in this order):

    1 TPM2B_ID_OBJECT          4 TPM2B_ENCRYPTED_SECRET for the storage root key
    2 TPM2B_ENCRYPTED_SECRET   5 TPM2B_PUBLIC of the key that is handed over
    3 TPM2B_PRIVATE            6 TPM2B_DATA, a resource's name, encrypted

Parts 1 and 2 give the TPM with that endorsement key the inner key, if it also holds the storage root key; with it
the TPM imports parts 3 to 5 and can from then on sign with the key, but not show it. Counterpart:
`provisioning/attestation/tpm.py`. Only RSA-2048 with SHA-256 and AES-128-CFB: what all clients of the field make.
"""

import base64
import hashlib
import hmac
import struct
from collections.abc import Callable

import msgspec
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

Random = Callable[[int], bytes]
"""So many random bytes."""

MAX_RESOURCE = 512
"""Bytes of part 6; Java has its TPM decrypt it in one go."""

_RSA, _AES, _CFB, _NULL = 0x0001, 0x0006, 0x0043, 0x0010
_SHA256, _KEYEDHASH, _HMAC = 0x000B, 0x0008, 0x0005
_RSA_BITS = 2048
_AES_BITS = 128
_DEFAULT_EXPONENT = 65537
_USER_WITH_AUTH_AND_SIGN = 0x00040040
_STAYS = 0x00030012
"""fixedTPM, fixedParent, restricted, decrypt (Part 2, 8.3). A TPM sets the first two on no key that came from outside
(Part 3, TPM2_Import): without them, the other half of a storage root key might lie in a file, and so our key too."""
_SECRET = 32
_NO_IV = bytes(16)


class TpmKeyMalformed(Exception):
    """The bytes are not the public part of a key that a credential can be made for; the message says why."""


class TpmPublic(msgspec.Struct, frozen=True, kw_only=True):
    """A TPM2B_PUBLIC that was understood. `area` is the TPMT_PUBLIC in it, `name` what TPMs call the key."""

    area: bytes
    name: bytes
    key: rsa.RSAPublicKey


def parse_public(data: bytes) -> TpmPublic:
    """Read a TPM2B_PUBLIC (Part 2, 12.2.5): a storage key, RSA-2048, SHA-256, AES-128-CFB.

    Raises:
        TpmKeyMalformed: it is none.
    """
    reader = _Reader(data)
    area = reader.sized()
    reader.end()
    return TpmPublic(area=area, name=_name(area), key=_rsa_key(_Reader(area)))


def registration_id_of(endorsement_key: bytes) -> str:
    """What the field's tools call a device with a TPM: base32 of SHA-256 of the TPM2B_PUBLIC, lower case."""
    digest = hashlib.sha256(endorsement_key).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def make_credential_blob(
    endorsement_key: bytes, storage_root_key: bytes, key: bytes, resource: str, *, random: Random
) -> bytes:
    """The blob with which a TPM takes over `key`, an HMAC-SHA256 key. The first two are TPM2B_PUBLIC.

    Raises:
        TpmKeyMalformed: one of the public keys is not understood.
        ValueError: `resource` is empty or too long.
    """
    text = resource.encode()
    if not 0 < len(text) <= MAX_RESOURCE:
        raise ValueError(f"the resource has {len(text)} bytes")
    endorsement, storage = parse_public(endorsement_key), parse_public(storage_root_key)
    inner_key = random(_AES_BITS // 8)
    id_object, secret = _make_credential(endorsement, storage.name, inner_key, random)
    public, sensitive = _signing_key(key, random)
    duplicate, seed = _duplicate(storage, _name(public), sensitive, inner_key=inner_key, random=random)
    return b"".join(map(_sized, (id_object, secret, duplicate, seed, public, _encrypt(inner_key, text))))


def _make_credential(endorsement: TpmPublic, name: bytes, inner_key: bytes, random: Random) -> tuple[bytes, bytes]:
    """TPM2_MakeCredential (Part 1, 24): the inner key, for a TPM that also holds the object `name`."""
    seed = random(_SECRET)
    identity = _encrypt(_kdf(seed, b"STORAGE", name, _AES_BITS), _sized(inner_key))
    integrity = hmac.digest(_kdf(seed, b"INTEGRITY", b"", 256), identity + name, hashlib.sha256)
    return _sized(integrity) + identity, _oaep(endorsement.key, b"IDENTITY\0", seed)


def _signing_key(key: bytes, random: Random) -> tuple[bytes, bytes]:
    """TPMT_PUBLIC and TPM2B_SENSITIVE of an HMAC key that signs without a policy."""
    obfuscation = random(_SECRET)
    unique = hashlib.sha256(obfuscation + key).digest()
    public = struct.pack(">HHI", _KEYEDHASH, _SHA256, _USER_WITH_AUTH_AND_SIGN)
    public += _sized(b"") + struct.pack(">HH", _HMAC, _SHA256) + _sized(unique)
    sensitive = struct.pack(">H", _KEYEDHASH) + _sized(b"") + _sized(obfuscation) + _sized(key)
    return public, _sized(sensitive)


def _duplicate(
    parent: TpmPublic, name: bytes, sensitive: bytes, *, inner_key: bytes, random: Random
) -> tuple[bytes, bytes]:
    """The private part for TPM2_Import below `parent`, wrapped twice (Part 1, 23.3)."""
    inner = hashlib.sha256(sensitive + name).digest()
    wrapped = _encrypt(inner_key, _sized(inner) + sensitive)
    seed = random(_SECRET)
    outer = _encrypt(_kdf(seed, b"STORAGE", name, _AES_BITS), wrapped)
    integrity = hmac.digest(_kdf(seed, b"INTEGRITY", b"", 256), outer + name, hashlib.sha256)
    return _sized(integrity) + outer, _oaep(parent.key, b"DUPLICATE\0", seed)


def _kdf(key: bytes, label: bytes, context: bytes, bits: int) -> bytes:
    """KDFa (Part 1, 11.4.10.2) for what one block of SHA-256 gives."""
    message = struct.pack(">I", 1) + label + b"\0" + context + struct.pack(">I", bits)
    return hmac.digest(key, message, hashlib.sha256)[: bits // 8]


def _oaep(key: rsa.RSAPublicKey, label: bytes, secret: bytes) -> bytes:
    scheme = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=label)
    return key.encrypt(secret, scheme)


def _encrypt(key: bytes, data: bytes) -> bytes:
    """AES-CFB without an initialisation vector: each key encrypts once."""
    encryptor = Cipher(AES(key), CFB(_NO_IV)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _name(area: bytes) -> bytes:
    return struct.pack(">H", _SHA256) + hashlib.sha256(area).digest()


def _sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _rsa_key(area: "_Reader") -> rsa.RSAPublicKey:
    """The key in a TPMT_PUBLIC (Part 2, 12.2.4)."""
    area.expect(_RSA, "the key is not RSA")
    area.expect(_SHA256, "its name is not made with SHA-256")
    if int.from_bytes(area.take(4), "big") & _STAYS != _STAYS:
        raise TpmKeyMalformed("it is not a storage key that stays in its TPM")
    area.sized()  # policy
    area.expect(_AES, "it does not protect with AES")
    area.expect(_AES_BITS, "it does not protect with AES-128")
    area.expect(_CFB, "it does not protect with AES in mode CFB")
    area.expect(_NULL, "it has a signing scheme")
    area.expect(_RSA_BITS, "it is not RSA-2048")
    exponent = int.from_bytes(area.take(4), "big") or _DEFAULT_EXPONENT
    modulus = area.sized()
    area.end()
    if len(modulus) != _RSA_BITS // 8 or exponent != _DEFAULT_EXPONENT:
        raise TpmKeyMalformed("it is not RSA-2048 with the exponent 65537")
    # Nobody else looks: a smaller number would make a weaker key, and with an even one encryption fails later.
    if not modulus[0] & 0x80 or not modulus[-1] & 1:
        raise TpmKeyMalformed("its modulus is none")
    return rsa.RSAPublicNumbers(exponent, int.from_bytes(modulus, "big")).public_key()


class _Reader:
    """Big-endian fields, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise TpmKeyMalformed("it breaks off")
        self._at += size
        return taken

    def sized(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))

    def expect(self, value: int, otherwise: str) -> None:
        if int.from_bytes(self.take(2), "big") != value:
            raise TpmKeyMalformed(otherwise)

    def end(self) -> None:
        if self._at != len(self._data):
            raise TpmKeyMalformed("there is something behind its end")
