"""SASL frames on one connection."""

import pytest
from tests.unit.protocols.amqp import wire
from tests.unit.protocols.amqp.device import ATTEST_TOKEN, CHAIN, DEVICE, IDENTITY, PLAIN, SCOPE, UNAUTHORIZED

from homeport.protocols.amqp.conditions import MalformedFrame
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import Close, SaslInit, SaslResponse
from homeport.protocols.amqp.registration_link import DpsAddress
from homeport.protocols.amqp.sasl import Passed
from homeport.protocols.amqp.sasl_layer import SaslLayer
from homeport.protocols.amqp.types import Symbol
from homeport.protocols.conversation import Answered, CloseConnection, Refuse, SendData

INIT = SaslInit(Symbol("PLAIN"), PLAIN)


def layer(*, certificate_chain: tuple[bytes, ...] = ()) -> tuple[SaslLayer, Outbox]:
    outbox = Outbox(512)
    return SaslLayer(outbox, certificate_chain), outbox


def test_what_is_offered() -> None:
    sasl, outbox = layer()
    sasl.begin()
    assert outbox.drain() == [SendData(wire.mechanisms("PLAIN", "TPM"))]


def test_a_certificate_is_good_for_two_more() -> None:
    sasl, outbox = layer(certificate_chain=CHAIN)
    sasl.begin()
    assert outbox.drain() == [SendData(wire.mechanisms("PLAIN", "TPM", "EXTERNAL", "ANONYMOUS"))]


def test_a_token_that_holds() -> None:
    sasl, outbox = layer()
    sasl.take(INIT)
    assert (outbox.drain(), sasl.asking) == ([ATTEST_TOKEN], True)
    assert sasl.answered(Answered(ATTEST_TOKEN, IDENTITY))
    assert (outbox.drain(), sasl.asking) == ([SendData(wire.sasl_outcome(0))], False)
    assert sasl.passed == Passed(DpsAddress(SCOPE, DEVICE), IDENTITY)


def test_a_token_that_does_not() -> None:
    sasl, outbox = layer()
    sasl.take(INIT)
    outbox.drain()
    assert sasl.answered(Answered(ATTEST_TOKEN, UNAUTHORIZED))
    assert outbox.drain() == [SendData(wire.sasl_outcome(0))]
    assert sasl.passed == Passed(DpsAddress(SCOPE, DEVICE), UNAUTHORIZED)


@pytest.mark.parametrize("mechanism", ["EXTERNAL", "ANONYMOUS"])
def test_a_certificate_passes_at_once(mechanism: str) -> None:
    sasl, outbox = layer(certificate_chain=CHAIN)
    sasl.take(SaslInit(Symbol(mechanism)))
    assert (outbox.drain(), sasl.passed) == ([SendData(wire.sasl_outcome(0))], Passed())


@pytest.mark.parametrize("mechanism", ["EXTERNAL", "ANONYMOUS", "CRAM-MD5", "plain"])
def test_what_is_not_offered_is_refused(mechanism: str) -> None:
    sasl, outbox = layer()
    sasl.take(SaslInit(Symbol(mechanism), b"x"))
    assert outbox.drain() == [
        SendData(wire.sasl_outcome(1)),
        CloseConnection("a SASL mechanism that is not offered"),
    ]


def test_the_answer_to_another_question_is_passed_over() -> None:
    sasl, outbox = layer()
    sasl.take(INIT)
    outbox.drain()
    other = Answered(Refuse(error=None), IDENTITY)  # type: ignore[arg-type]
    assert not sasl.answered(other)
    assert (outbox.drain(), sasl.asking) == ([], True)


def test_a_proof_under_way_can_be_postponed() -> None:
    sasl, outbox = layer()
    sasl.take(INIT)
    outbox.drain()
    sasl.postpone("stopping")
    assert outbox.drain() == [SendData(wire.sasl_outcome(4)), CloseConnection("stopping")]


def test_frames_out_of_turn() -> None:
    sasl, _ = layer()
    for frame in (SaslResponse(b"x"), Close(), None):
        with pytest.raises(MalformedFrame, match="out of turn"):
            sasl.take(frame)
    sasl.take(INIT)
    with pytest.raises(MalformedFrame, match="out of turn"):
        sasl.take(INIT)
