"""TPM 2.0 commands as bytes, and the responses to them (TCG TPM 2.0 Library, part 3): those that a device sends.

Written from the specification and from what the C and Java SDKs send; knows nothing of the code under test.
"""

import struct

from tests.tpm.simulator import Simulator

OWNER, NULL, ENDORSEMENT = 0x40000001, 0x40000007, 0x4000000B
"""Handles of the hierarchies (part 2, section 7.4)."""
RSA, HMAC, AES, KEYEDHASH, SHA256, NO_ALGORITHM, SYMCIPHER, CFB = 0x01, 0x05, 0x06, 0x08, 0x0B, 0x10, 0x25, 0x43
"""Algorithms (part 2, section 6.3)."""
AES_128_CFB = struct.pack(">HHH", AES, 128, CFB)

_NO_SESSIONS, _SESSIONS = 0x8001, 0x8002
_PASSWORD_SESSION = 0x40000009
_POLICY_SESSION = 0x01
_NONCE = bytes(16)
_RETRY = 0x922
_CODES = {
    "EvictControl": 0x120,
    "CreatePrimary": 0x131,
    "Startup": 0x144,
    "ActivateCredential": 0x147,
    "PolicySecret": 0x151,
    "Create": 0x153,
    "HMAC": 0x155,
    "Import": 0x156,
    "Load": 0x157,
    "EncryptDecrypt": 0x164,
    "FlushContext": 0x165,
    "ReadPublic": 0x173,
    "StartAuthSession": 0x176,
}


class TpmRefused(Exception):
    """The TPM answered with a response code other than success (part 2, section 6.6)."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(f"TPM2_{command}: {code:#05x}")
        self.command = command
        self.code = code


class Tpm:
    """The commands, one method each; keys and seeds never leave the simulator behind it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def startup(self) -> None:
        """TPM2_Startup(CLEAR)."""
        self._plain("Startup", bytes(2))

    def create_primary(self, hierarchy: int, template: bytes) -> int:
        """A primary key after a TPMT_PUBLIC; its handle."""
        # Then: no outside information, no PCRs.
        parameters = sized(sized(b"") + sized(b"")) + sized(template) + sized(b"") + bytes(4)
        response = self._authorized("CreatePrimary", [hierarchy], [_password()], parameters, has_handle=True)
        return int.from_bytes(response[:4], "big")

    def read_public(self, handle: int) -> bytes:
        """A loaded or persistent key's TPM2B_PUBLIC."""
        return first_sized(self._plain("ReadPublic", _handle(handle)))

    def read_name(self, handle: int) -> bytes:
        """What the TPM calls the key, which is not what people call it: the algorithm and a digest."""
        response = self._plain("ReadPublic", _handle(handle))
        return first_sized(response[len(first_sized(response)) :])[2:]

    def evict_control(self, handle: int, persistent: int) -> None:
        """Persist a loaded key; or, with the persistent handle twice, remove it."""
        self._authorized("EvictControl", [OWNER, handle], [_password()], _handle(persistent))

    def flush(self, handle: int) -> None:
        """Forget a loaded key."""
        self._plain("FlushContext", _handle(handle))

    def start_policy_session(self) -> int:
        """A session without salt, bind or encryption; its handle."""
        parameters = _handle(NULL) * 2 + sized(_NONCE) + sized(b"")
        parameters += struct.pack(">BHH", _POLICY_SESSION, NO_ALGORITHM, SHA256)
        return int.from_bytes(self._plain("StartAuthSession", parameters)[:4], "big")

    def policy_secret(self, hierarchy: int, session: int) -> None:
        """Bind a policy session to the secret of a hierarchy, which is empty."""
        parameters = sized(b"") * 3 + bytes(4)
        self._authorized("PolicySecret", [hierarchy, session], [_password()], parameters)

    def activate_credential(self, storage: int, endorsement: int, session: int, *, parameters: bytes) -> bytes:
        """The credential in a TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. The session is used up."""
        sessions = [_password(), _session(session)]
        response = self._authorized("ActivateCredential", [storage, endorsement], sessions, parameters)
        return first_sized(response)[2:]

    def import_key(self, parent: int, parameters: bytes) -> bytes:
        """A foreign key, wrapped for this parent; its TPM2B_PRIVATE."""
        return first_sized(self._authorized("Import", [parent], [_password()], parameters))

    def create(self, parent: int, *, template: bytes, secret: bytes) -> tuple[bytes, bytes]:
        """A child with a secret from outside; its TPM2B_PRIVATE and TPM2B_PUBLIC."""
        parameters = sized(sized(b"") + sized(secret)) + sized(template) + sized(b"") + bytes(4)
        response = self._authorized("Create", [parent], [_password()], parameters)
        private = first_sized(response)
        return private, first_sized(response[len(private) :])

    def load(self, parent: int, private: bytes, public: bytes) -> int:
        """A child of a key of this TPM; its handle."""
        response = self._authorized("Load", [parent], [_password()], private + public, has_handle=True)
        return int.from_bytes(response[:4], "big")

    def hmac(self, handle: int, data: bytes) -> bytes:
        """HMAC-SHA256 under a loaded key."""
        parameters = sized(data) + struct.pack(">H", SHA256)
        return first_sized(self._authorized("HMAC", [handle], [_password()], parameters))[2:]

    def decrypt(self, handle: int, data: bytes) -> bytes:
        """AES-CFB under a loaded key, with an initial vector of zeros."""
        parameters = b"\x01" + struct.pack(">H", CFB) + sized(bytes(16)) + sized(data)
        return first_sized(self._authorized("EncryptDecrypt", [handle], [_password()], parameters))[2:]

    def _plain(self, command: str, parameters: bytes) -> bytes:
        return self._send(command, _NO_SESSIONS, parameters)

    def _authorized(
        self, command: str, handles: list[int], sessions: list[bytes], parameters: bytes, *, has_handle: bool = False
    ) -> bytes:
        """The response's handle, if it has one, and its parameters."""
        authorization = b"".join(sessions)
        area = b"".join(map(_handle, handles)) + len(authorization).to_bytes(4, "big") + authorization
        response = self._send(command, _SESSIONS, area + parameters)
        handle, rest = (response[:4], response[4:]) if has_handle else (b"", response)
        return handle + rest[4 : 4 + int.from_bytes(rest[:4], "big")]

    def _send(self, command: str, tag: int, body: bytes) -> bytes:
        message = struct.pack(">HII", tag, 10 + len(body), _CODES[command]) + body
        response = self._simulator.exchange(message)
        # A key that dictionary attacks count for makes the TPM note its first use, and ask for the command once more.
        if _code(response) == _RETRY:
            response = self._simulator.exchange(message)
        if code := _code(response):
            raise TpmRefused(command, code)
        return response[10:]


def sized(content: bytes) -> bytes:
    """A TPM2B: two bytes of size, then the content."""
    return len(content).to_bytes(2, "big") + content


def first_sized(data: bytes) -> bytes:
    """The TPM2B at the beginning, its size included."""
    return data[: 2 + int.from_bytes(data[:2], "big")]


def _code(response: bytes) -> int:
    return int.from_bytes(response[6:10], "big")


def _handle(handle: int) -> bytes:
    return handle.to_bytes(4, "big")


def _password() -> bytes:
    """The authorization by an empty password."""
    return _session(_PASSWORD_SESSION)


def _session(handle: int) -> bytes:
    """An authorization without nonce and HMAC, which is what a session without any secret needs; it ends here."""
    return _handle(handle) + sized(b"") + bytes(1) + sized(b"")
