"""PLAIN, EXTERNAL and ANONYMOUS, step by step."""

import pytest
from tests.unit.protocols.amqp.device import (
    ADDRESS,
    ATTEST_TOKEN,
    CHAIN,
    DEVICE,
    IDENTITY,
    PLAIN,
    SCOPE,
    TOKEN,
    UNAUTHORIZED,
    UNAVAILABLE,
)

from homeport.model.attestation import PresentedCredential, TpmChallenge
from homeport.protocols.amqp.registration_link import DpsAddress
from homeport.protocols.amqp.sasl import AUTH, SYS_TEMP, Certificate, Challenge, Failed, Passed, Plain
from homeport.protocols.conversation import Attest, Refusal

NAMED = DpsAddress(SCOPE, DEVICE)


def test_plain() -> None:
    mechanism = Plain(())
    assert mechanism.start(PLAIN) == ATTEST_TOKEN
    assert mechanism.judged(IDENTITY) == Passed(NAMED, IDENTITY)


def test_plain_with_an_authorization_identity_and_a_certificate() -> None:
    step = Plain(CHAIN).start(f"someone\0{ADDRESS}\0{TOKEN}".encode())
    assert isinstance(step, Attest)
    assert step.credential == PresentedCredential(sas_token=TOKEN, certificate_chain=CHAIN)


@pytest.mark.parametrize(
    "response",
    [b"", b"\0\0", b"user", f"\0{ADDRESS}".encode(), f"\0{ADDRESS}\0".encode(), b"\0user\0token", PLAIN + b"\0"],
)
def test_plain_without_what_it_takes(response: bytes) -> None:
    assert Plain(()).start(response) == Failed(AUTH, "SASL PLAIN without a registration or a token")


def test_plain_with_an_impossible_registration_id() -> None:
    assert Plain(()).start(b"\0scope/registrations/a b\0token") == Failed(AUTH, "a malformed registration ID")


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(UNAVAILABLE, SYS_TEMP), (Refusal(status=429, code=429001, body=b""), SYS_TEMP)],
)
def test_plain_refused(refusal: Refusal, code: int) -> None:
    mechanism = Plain(())
    mechanism.start(PLAIN)
    step = mechanism.judged(refusal)
    assert isinstance(step, Failed)
    assert step.code == code


def test_a_token_that_does_not_hold_is_let_through_to_be_told_why() -> None:
    mechanism = Plain(())
    mechanism.start(PLAIN)
    assert mechanism.judged(UNAUTHORIZED) == Passed(DpsAddress(SCOPE, DEVICE), UNAUTHORIZED)


def test_plain_has_no_second_word() -> None:
    mechanism = Plain(())
    mechanism.start(PLAIN)
    assert isinstance(mechanism.respond(b"x"), Failed)
    assert mechanism.judged(TpmChallenge(authentication_key=b"blob")) == Failed(AUTH, "a challenge for no TPM")


def test_a_certificate_is_let_through_to_its_links() -> None:
    assert Certificate(CHAIN).start(b"anonymous") == Passed()
    assert Certificate(()).start(b"") == Failed(AUTH, "no credential")
    assert isinstance(Certificate(CHAIN).respond(b""), Failed)
    assert isinstance(Certificate(CHAIN).judged(IDENTITY), Failed)


def test_a_challenge_does_not_show_itself() -> None:
    assert "secret" not in repr(Challenge(b"secret"))
