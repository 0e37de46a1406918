"""SASL's mechanism TPM, which is Microsoft's own: a device proves that it holds the keys of its TPM.

Sources: C `prov_sasl_tpm.c`, C# `SaslTpmHandler.cs`, Java `AmqpsProvisioningSaslHandler.java`, Node `sasl_tpm.js`.
The exchange, after each byte of control:

    client  00 {idScope} 00 {registrationId} 00 {endorsement key}      server  00
    client  00 {storage root key}                                      server  80 {first part of the blob}
    client  00                                                         server  C1 {rest of the blob}
    client  00 {SAS token}                                             server  the outcome

The blob must come in exactly two parts under exactly these control bytes (Java compares them). C would cut a first
message of more than 470 bytes into parts of its own, which only names beyond any of ours can bring about; such
a part is refused.
"""

from collections.abc import Callable

from homeport.model.attestation import PresentedCredential, TpmChallenge
from homeport.protocols.amqp.registration_link import DpsAddress
from homeport.protocols.amqp.sasl import AUTH, SYS, Challenge, Failed, Step, attestation, verdict
from homeport.protocols.conversation import Outcome

_WHOLE = 0x00
_FIRST_PART, _LAST_PART = b"\x80", b"\xc1"
_PART = 470
"""With its control byte and frame within 512 bytes, the most that a SASL frame may have (5.3.1)."""


class Tpm:
    """One exchange. Its state is the method that takes the client's next bytes."""

    def __init__(self, certificate_chain: tuple[bytes, ...]) -> None:
        self._certificate_chain = certificate_chain
        self._address: DpsAddress | None = None
        self._endorsement_key = b""
        self._storage_root_key = b""
        self._rest = b""
        self._next: Callable[[bytes], Step] = self._nothing_asked

    def start(self, response: bytes) -> Step:
        """Who it is, and the endorsement key."""
        return self._unwrapped(response, self._named)

    def respond(self, response: bytes) -> Step:
        """The client's next bytes."""
        return self._unwrapped(response, self._next)

    def judged(self, outcome: Outcome) -> Step:
        """A challenge for the keys; then the end of the exchange."""
        if not isinstance(outcome, TpmChallenge) or self._rest:
            return verdict(self._address, outcome)
        first, self._rest = outcome.authentication_key[:_PART], outcome.authentication_key[_PART:]
        if not self._rest or len(self._rest) > _PART:
            return Failed(SYS, "a TPM challenge that does not come in two parts")
        self._next = self._first_part_taken
        return Challenge(_FIRST_PART + first)

    def _unwrapped(self, data: bytes, take: Callable[[bytes], Step]) -> Step:
        if not data or data[0] != _WHOLE:
            return Failed(AUTH, "a SASL TPM message in parts, or without its control byte")
        return take(data[1:])

    def _named(self, data: bytes) -> Step:
        """The key is binary; only the first two zeros are separators."""
        parts = data.split(b"\0", 2)
        if len(parts) != 3 or not all(parts):
            return Failed(AUTH, "SASL TPM without a registration or an endorsement key")
        id_scope, registration_id, self._endorsement_key = parts
        self._address = DpsAddress(id_scope.decode(errors="replace"), registration_id.decode(errors="replace"))
        self._next = self._rooted
        return Challenge(b"\0")

    def _rooted(self, data: bytes) -> Step:
        self._storage_root_key = data
        return self._attestation(None) if data else Failed(AUTH, "SASL TPM without a storage root key")

    def _first_part_taken(self, data: bytes) -> Step:
        self._next = self._signed
        return Challenge(_LAST_PART + self._rest)

    def _signed(self, data: bytes) -> Step:
        token = data.decode(errors="replace")
        return self._attestation(token) if token else Failed(AUTH, "SASL TPM without a token")

    def _attestation(self, token: str | None) -> Step:
        self._next = self._nothing_asked
        credential = PresentedCredential(
            sas_token=token,
            certificate_chain=self._certificate_chain,
            endorsement_key=self._endorsement_key,
            storage_root_key=self._storage_root_key,
        )
        return attestation(self._address or DpsAddress("", ""), credential)

    def _nothing_asked(self, data: bytes) -> Step:
        return Failed(AUTH, "a SASL response that nobody asked for")
