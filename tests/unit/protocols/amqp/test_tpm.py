"""The exchange with a TPM, byte by byte."""

import pytest
from tests.unit.protocols.amqp.device import CHAIN, DEVICE, IDENTITY, SCOPE, TOKEN, UNAUTHORIZED

from homeport.model.attestation import PresentedCredential, TpmChallenge
from homeport.model.identifiers import RegistrationId
from homeport.protocols.amqp.registration_link import DpsAddress
from homeport.protocols.amqp.sasl import AUTH, SYS, Challenge, Failed, Passed
from homeport.protocols.amqp.tpm import Tpm
from homeport.protocols.conversation import Attest

# Zeros in them must not be taken for separators.
ENDORSEMENT_KEY = b"\x01\x3a\x00" + bytes(range(256)) + bytes(57)
STORAGE_ROOT_KEY = b"\x01\x1a" + bytes(282)
BLOB = bytes(index % 251 for index in range(788))
INIT = b"\0" + SCOPE.encode() + b"\0" + DEVICE.encode() + b"\0" + ENDORSEMENT_KEY


def asks(token: str | None = None, *, chain: tuple[bytes, ...] = ()) -> Attest:
    return Attest(
        id_scope=SCOPE,
        registration_id=RegistrationId(DEVICE),
        credential=PresentedCredential(
            sas_token=token,
            certificate_chain=chain,
            endorsement_key=ENDORSEMENT_KEY,
            storage_root_key=STORAGE_ROOT_KEY,
        ),
    )


def rooted() -> Tpm:
    mechanism = Tpm(())
    assert mechanism.start(INIT) == Challenge(b"\0")
    assert mechanism.respond(b"\0" + STORAGE_ROOT_KEY) == asks()
    return mechanism


def test_the_whole_of_it() -> None:
    mechanism = rooted()
    assert mechanism.judged(TpmChallenge(authentication_key=BLOB)) == Challenge(b"\x80" + BLOB[:470])
    assert mechanism.respond(b"\0") == Challenge(b"\xc1" + BLOB[470:])
    assert mechanism.respond(b"\0" + TOKEN.encode()) == asks(TOKEN)
    assert mechanism.judged(IDENTITY) == Passed(DpsAddress(SCOPE, DEVICE), IDENTITY)


def test_the_keys_alone_may_be_refused() -> None:
    assert rooted().judged(UNAUTHORIZED) == Failed(AUTH, "its attestation failed")


def test_there_is_one_challenge() -> None:
    mechanism = rooted()
    for step in (lambda: mechanism.judged(TpmChallenge(authentication_key=BLOB)), lambda: mechanism.respond(b"\0")):
        step()
    mechanism.respond(b"\0" + TOKEN.encode())
    assert isinstance(mechanism.judged(TpmChallenge(authentication_key=BLOB)), Failed)


@pytest.mark.parametrize("size", [0, 470, 941])
def test_a_challenge_comes_in_two_parts_or_not_at_all(size: int) -> None:
    step = rooted().judged(TpmChallenge(authentication_key=bytes(size)))
    assert step == Failed(SYS, "a TPM challenge that does not come in two parts")


@pytest.mark.parametrize(
    ("init", "reason"),
    [
        (b"", "in parts"),
        (b"\x80" + INIT[1:], "in parts"),
        (b"\0scope", "without a registration"),
        (b"\0scope\0id", "without a registration"),
        (b"\0scope\0\0EK", "without a registration"),
        (b"\0scope\0id\0", "without a registration"),
    ],
)
def test_a_beginning_that_is_none(init: bytes, reason: str) -> None:
    step = Tpm(()).start(init)
    assert isinstance(step, Failed)
    assert (step.code, reason in step.reason) == (AUTH, True)


def test_every_answer_has_its_turn_and_its_content() -> None:
    mechanism = Tpm(CHAIN)
    mechanism.start(INIT)
    assert mechanism.respond(b"\0") == Failed(AUTH, "SASL TPM without a storage root key")
    assert mechanism.respond(b"\0" + STORAGE_ROOT_KEY) == asks(chain=CHAIN)
    assert mechanism.respond(b"\0x") == Failed(AUTH, "a SASL response that nobody asked for")
    mechanism.judged(TpmChallenge(authentication_key=BLOB))
    mechanism.respond(b"\0")
    assert mechanism.respond(b"\0") == Failed(AUTH, "SASL TPM without a token")


def test_an_impossible_registration_id() -> None:
    mechanism = Tpm(())
    mechanism.start(b"\0scope\0a b\0EK")
    assert mechanism.respond(b"\0SRK") == Failed(AUTH, "a malformed registration ID")
