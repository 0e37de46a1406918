"""What the peer is told."""

from homeport.protocols.amqp.conditions import NOT_ALLOWED, Malformed, MalformedFrame, Violation


def test_a_violation_has_a_condition_and_a_reason() -> None:
    assert (Violation(NOT_ALLOWED, "no").condition, str(Violation(NOT_ALLOWED, "no"))) == ("amqp:not-allowed", "no")


def test_malformed_bytes_have_the_condition_of_their_layer() -> None:
    assert Malformed("x").condition == "amqp:decode-error"
    assert MalformedFrame("x").condition == "amqp:connection:framing-error"
