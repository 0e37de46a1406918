"""The proof before AMQP itself begins (5.3): which mechanisms are offered, and one class for each.

A mechanism gets the client's bytes and the services' judgement, and returns what comes next. It judges nothing
itself. Counterpart: `session.py`, which keeps the frames. `tpm.py` holds the mechanism that Microsoft added.
A client with a certificate mostly speaks no SASL at all; one that does, says EXTERNAL or ANONYMOUS, and is let
through to show by its links whose registration the certificate is to prove.
"""

from typing import Protocol

import msgspec

from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential, TpmChallenge
from homeport.model.identifiers import parse_registration_id
from homeport.protocols.amqp.registration_link import DpsAddress, parse_address
from homeport.protocols.conversation import Attest, Outcome, Refusal

OK, AUTH, SYS, SYS_PERM, SYS_TEMP = 0, 1, 2, 3, 4
"""Outcome codes (5.3.3.6)."""

_TRANSIENT = 429


class Challenge(msgspec.Struct, frozen=True):
    """Send the client a challenge."""

    data: bytes

    def __repr__(self) -> str:
        return "Challenge(…)"


class Passed(msgspec.Struct, frozen=True):
    """The exchange is over; `standing` is None if the links have yet to name what the certificate proves.

    It is a refusal for a token that does not hold: an outcome has a code and no words, and Node would show its user
    `NotConnectedError`. The requests that follow are rejected with the error.
    """

    address: DpsAddress | None = None
    standing: AttestedIdentity | Refusal | None = None


class Failed(msgspec.Struct, frozen=True):
    """The exchange is over; `reason` is for the log, since the outcome carries nothing but its code."""

    code: int
    reason: str


Step = Challenge | Attest | Passed | Failed


class Mechanism(Protocol):
    """One way of proving who you are, for one connection."""

    def start(self, response: bytes) -> Step:
        """The client's first words."""
        ...

    def respond(self, response: bytes) -> Step:
        """The client's answer to a challenge."""
        ...

    def judged(self, outcome: Outcome) -> Step:
        """The services' answer to `Attest`."""
        ...


class Plain:
    """RFC 4616: `[authzid] NUL {idScope}/registrations/{registrationId} NUL {SAS token}`."""

    def __init__(self, certificate_chain: tuple[bytes, ...]) -> None:
        self._certificate_chain = certificate_chain
        self._address: DpsAddress | None = None

    def start(self, response: bytes) -> Step:
        """The whole of it."""
        parts = response.decode(errors="replace").split("\0")
        self._address = parse_address(parts[1]) if len(parts) == 3 else None
        if self._address is None or not parts[2]:
            return Failed(AUTH, "SASL PLAIN without a registration or a token")
        credential = PresentedCredential(sas_token=parts[2], certificate_chain=self._certificate_chain)
        return attestation(self._address, credential)

    def respond(self, response: bytes) -> Step:
        """There is no challenge to answer."""
        return Failed(AUTH, "a SASL response that nobody asked for")

    def judged(self, outcome: Outcome) -> Step:
        """Whether the token holds; one that does not is let through, to be told why."""
        if isinstance(outcome, Refusal) and outcome.status < _TRANSIENT:
            return Passed(self._address, outcome)
        return verdict(self._address, outcome)


class Certificate:
    """EXTERNAL and ANONYMOUS: the certificate of the TLS handshake is the proof."""

    def __init__(self, certificate_chain: tuple[bytes, ...]) -> None:
        self._certificate_chain = certificate_chain

    def start(self, response: bytes) -> Step:
        """Whatever name the client gives itself here; its links count."""
        return Passed() if self._certificate_chain else Failed(AUTH, "no credential")

    def respond(self, response: bytes) -> Step:
        """There is no challenge to answer."""
        return Failed(AUTH, "a SASL response that nobody asked for")

    def judged(self, outcome: Outcome) -> Step:
        """Nothing was asked."""
        return Failed(SYS, "a judgement that nobody asked for")


def attestation(address: DpsAddress, credential: PresentedCredential) -> Step:
    """The question whether a credential proves a registration."""
    try:
        registration_id = parse_registration_id(address.registration_id)
    except HomeportError:
        return Failed(AUTH, "a malformed registration ID")
    return Attest(id_scope=address.id_scope, registration_id=registration_id, credential=credential)


def verdict(address: DpsAddress | None, outcome: Outcome) -> Step:
    """The end of an exchange. What may be tried again unchanged is the system's fault, for now."""
    if isinstance(outcome, AttestedIdentity):
        return Passed(address, outcome)
    if isinstance(outcome, Refusal) and outcome.status < _TRANSIENT:
        return Failed(AUTH, "its attestation failed")
    if isinstance(outcome, TpmChallenge):
        return Failed(AUTH, "a challenge for no TPM")
    return Failed(SYS_TEMP, "the service could not attest")
