"""Credit, and messages in pieces."""

import pytest

from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.deliveries import CREDIT, MAX_MESSAGE_SIZE, Delivery, IncomingLink, OutgoingLink
from homeport.protocols.amqp.performatives import Attach, Transfer
from homeport.protocols.amqp.types import Uint

ATTACH = Attach(name="n", handle=Uint(1), role=False, initial_delivery_count=Uint(0xFFFFFFFF))


def transfer(
    delivery_id: int | None = 0, *, more: bool = False, aborted: bool = False, settled: bool = False
) -> Transfer:
    known = None if delivery_id is None else Uint(delivery_id)
    return Transfer(handle=Uint(1), delivery_id=known, more=more, aborted=aborted, settled=settled)


def delivery(payload: bytes, delivery_id: int = 0, *, settled: bool = False) -> Delivery:
    return Delivery(Uint(1), Uint(delivery_id), settled, payload)


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_message_in_one_piece() -> None:
    link = IncomingLink(ATTACH)
    assert link.take(transfer(), b"x") == delivery(b"x")
    assert (link.credit, link.delivery_count) == (CREDIT - 1, 0)


def test_a_message_in_pieces() -> None:
    link = IncomingLink(ATTACH)
    assert link.take(transfer(more=True), b"a") is None
    assert link.take(transfer(None, more=True), b"b") is None
    assert link.take(transfer(None, settled=True), b"c") == delivery(b"abc", settled=True)
    assert link.credit == CREDIT - 1


def test_an_aborted_message_leaves_nothing() -> None:
    link = IncomingLink(ATTACH)
    link.take(transfer(more=True), b"a")
    assert link.take(transfer(None, aborted=True), b"") is None
    assert not link.unsettled
    assert link.take(transfer(1), b"x") == delivery(b"x", 1)


def test_credit_of_aborted_messages_comes_back_when_half_of_it_is_used() -> None:
    link = IncomingLink(ATTACH)
    renewed = []
    for number in range(CREDIT // 2):
        link.take(transfer(number, aborted=True), b"")
        renewed.append(link.replenish())
    assert renewed == [False] * (CREDIT // 2 - 1) + [True]
    assert link.credit == CREDIT


def test_credit_comes_back_when_half_of_it_is_used_and_settled() -> None:
    link = IncomingLink(ATTACH)
    for number in range(CREDIT):
        link.take(transfer(number), b"x")
    granted = [number for number in range(CREDIT) if link.settle(Uint(number))]
    assert granted == [CREDIT // 2 - 1, CREDIT - 1]
    assert link.credit == CREDIT


@pytest.mark.parametrize(
    ("pieces", "condition"),
    [
        ([(transfer(None), b"")], "amqp:not-allowed"),
        ([(transfer(), b""), (transfer(), b"")], "amqp:not-allowed"),
        ([(transfer(), bytes(MAX_MESSAGE_SIZE + 1))], "amqp:link:message-size-exceeded"),
        ([(transfer(more=True), bytes(MAX_MESSAGE_SIZE)), (transfer(None), b"x")], "amqp:link:message-size-exceeded"),
        ([(transfer(number), b"") for number in range(CREDIT + 1)], "amqp:link:transfer-limit-exceeded"),
    ],
)
def test_violations(pieces: list[tuple[Transfer, bytes]], condition: str) -> None:
    link = IncomingLink(ATTACH)
    with pytest.raises(Violation) as caught:
        [link.take(*piece) for piece in pieces]
    assert caught.value.condition == condition


# --- replies ------------------------------------------------------------------------------------------------------


def test_a_reply_waits_for_credit() -> None:
    link = OutgoingLink(ATTACH, settled=True)
    link.enqueue(b"abc")
    assert not link.may_send
    link.grant(0, 1)
    assert link.may_send
    assert link.next_piece(2) == (b"ab", True)
    assert (link.may_send, link.under_way, link.credit) == (True, True, 0)
    assert link.next_piece(2) == (b"c", False)
    assert (link.may_send, link.under_way, link.delivery_count) == (False, False, 1)


def test_credit_is_counted_from_what_the_device_knew() -> None:
    link = OutgoingLink(ATTACH, settled=True)
    link.grant(None, 5)
    for _ in range(3):
        link.enqueue(b"x")
        link.next_piece(9)
    link.grant(1, 5)
    assert link.credit == 3
    link.grant(0, 2)
    assert link.credit == 0


def test_credit_that_is_drained_is_gone() -> None:
    link = OutgoingLink(ATTACH, settled=True)
    link.grant(0, 7)
    link.drained()
    assert (link.credit, link.delivery_count) == (0, 7)


def test_replies_in_waiting_are_bounded() -> None:
    link = OutgoingLink(ATTACH, settled=True)
    with pytest.raises(Violation, match="does not take"):
        [link.enqueue(b"x") for _ in range(65)]
