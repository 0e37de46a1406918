"""A device whose identity lives in a TPM: every step that needs a key happens in the simulator, none of it here.

It does what the C SDK's `hsm_client_tpm.c` does: an endorsement key and a storage root key at their usual places, the
provisioning service's blob activated by TPM2_ActivateCredential and TPM2_Import, and the key from it persisted, which
then signs SAS tokens. Like Java's, it also lets the TPM decrypt the name that comes with the key.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.tpm import simulator
from tests.tpm.commands import (
    AES_128_CFB,
    ENDORSEMENT,
    NO_ALGORITHM,
    OWNER,
    RSA,
    SHA256,
    SYMCIPHER,
    Tpm,
    TpmRefused,
    first_sized,
    sized,
)

ENDORSEMENT_KEY, STORAGE_ROOT_KEY, IDENTITY_KEY = 0x81010001, 0x81000001, 0x81000100
"""Persistent handles, the same in every SDK."""
PARTS = ("credential", "credential secret", "duplicate", "import seed", "public", "name")
"""What a blob consists of, in this order."""

_EK_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
"""PolicySecret(endorsement hierarchy)."""
_EK_ATTRIBUTES, _SRK_ATTRIBUTES = 0x000300B2, 0x00030472
_CIPHER_ATTRIBUTES = 0x00060040
"""userWithAuth, decrypt and sign: a cipher of this kind is good for both directions."""


class TpmDevice:
    """A device with a TPM that is its own; `name` is what the last blob called its key."""

    def __init__(self, tpm: Tpm) -> None:
        self._tpm = tpm
        self.name = ""

    def manufacture(self) -> None:
        """Create the two keys that every TPM of this kind has."""
        self._tpm.startup()
        self._keep(ENDORSEMENT, _rsa_template(_EK_ATTRIBUTES, _EK_POLICY), ENDORSEMENT_KEY)
        self._keep(OWNER, _rsa_template(_SRK_ATTRIBUTES, b""), STORAGE_ROOT_KEY)

    def endorsement_key(self) -> bytes:
        """The TPM2B_PUBLIC of the endorsement key."""
        return self._tpm.read_public(ENDORSEMENT_KEY)

    def storage_root_key(self) -> bytes:
        """The TPM2B_PUBLIC of the storage root key."""
        return self._tpm.read_public(STORAGE_ROOT_KEY)

    def endorsement_key_name(self) -> bytes:
        """The name under which the TPM itself knows its endorsement key."""
        return self._tpm.read_name(ENDORSEMENT_KEY)

    def activate(self, blob: bytes) -> None:
        """Take the key in a blob as this device's identity, in place of the one it had.

        Raises:
            TpmRefused: the blob is for another TPM, or no longer what was sent.
            ValueError: it does not have its six parts.
        """
        credential, credential_secret, duplicate, seed, public, name = split(blob)
        inner_key = self._activate_credential(credential + credential_secret)
        private = self._tpm.import_key(STORAGE_ROOT_KEY, sized(inner_key) + public + duplicate + seed + AES_128_CFB)
        decrypted = self._decrypt(inner_key, name[2:])
        self._persist(self._tpm.load(STORAGE_ROOT_KEY, private, public))
        self.name = decrypted.decode(errors="replace")

    def sign(self, data: bytes) -> bytes:
        """HMAC-SHA256 under the identity key."""
        return self._tpm.hmac(IDENTITY_KEY, data)

    def _keep(self, hierarchy: int, template: bytes, persistent: int) -> None:
        handle = self._tpm.create_primary(hierarchy, template)
        self._tpm.evict_control(handle, persistent)
        self._tpm.flush(handle)

    def _activate_credential(self, parameters: bytes) -> bytes:
        session = self._tpm.start_policy_session()
        try:
            self._tpm.policy_secret(ENDORSEMENT, session)
            return self._tpm.activate_credential(STORAGE_ROOT_KEY, ENDORSEMENT_KEY, session, parameters=parameters)
        except TpmRefused:
            self._tpm.flush(session)
            raise

    def _persist(self, handle: int) -> None:
        if self._has_identity():
            self._tpm.evict_control(IDENTITY_KEY, IDENTITY_KEY)
        self._tpm.evict_control(handle, IDENTITY_KEY)
        self._tpm.flush(handle)

    def _has_identity(self) -> bool:
        try:
            self._tpm.read_public(IDENTITY_KEY)
        except TpmRefused:
            return False
        return True

    def _decrypt(self, key: bytes, data: bytes) -> bytes:
        template = struct.pack(">HHI", SYMCIPHER, SHA256, _CIPHER_ATTRIBUTES) + sized(b"") + AES_128_CFB + sized(b"")
        private, public = self._tpm.create(STORAGE_ROOT_KEY, template=template, secret=key)
        handle = self._tpm.load(STORAGE_ROOT_KEY, private, public)
        try:
            return self._tpm.decrypt(handle, data)
        finally:
            self._tpm.flush(handle)


@contextmanager
def manufactured() -> Iterator[TpmDevice]:
    """A device fresh from the factory, in whose TPM no service has put a key yet."""
    with simulator.running() as chip:
        device = TpmDevice(Tpm(chip))
        device.manufacture()
        yield device


def split(blob: bytes) -> list[bytes]:
    """The parts of a blob, each with its two bytes of size.

    Raises:
        ValueError: they are not six, or the last one is cut off.
    """
    parts = []
    while blob:
        parts.append(first_sized(blob))
        blob = blob[len(parts[-1]) :]
    if len(parts) != len(PARTS) or len(parts[-1]) != 2 + int.from_bytes(parts[-1][:2], "big"):
        raise ValueError(f"a blob of {len(parts)} parts, or one that is cut off")
    return parts


def _rsa_template(attributes: int, policy: bytes) -> bytes:
    """A TPMT_PUBLIC for a 2048-bit storage key with the exponent 65537, for which 0 stands."""
    area = struct.pack(">HHI", RSA, SHA256, attributes) + sized(policy) + AES_128_CFB
    return area + struct.pack(">HHI", NO_ALGORITHM, 2048, 0) + sized(bytes(256))
