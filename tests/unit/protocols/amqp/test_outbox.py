"""Commands of one event, in order."""

import pytest

from homeport import errors
from homeport.errors import HomeportError
from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.frames import HEARTBEAT, encode_frame
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import Close, Open
from homeport.protocols.conversation import CloseConnection, Refuse, RequestWakeup, SendData

QUESTION = Refuse(HomeportError(errors.THROTTLED))


def test_bytes_leave_together_and_first_and_the_end_comes_last() -> None:
    outbox = Outbox(512)
    outbox.wake_in(5)
    outbox.send(Close())
    outbox.ask(QUESTION)
    outbox.send_bytes(HEARTBEAT)
    outbox.close("enough")
    assert outbox.drain() == [
        SendData(encode_frame(Close()) + HEARTBEAT),
        QUESTION,
        RequestWakeup(5),
        CloseConnection("enough"),
    ]
    assert outbox.drain() == []


def test_nothing_enters_after_the_end() -> None:
    outbox = Outbox(512)
    outbox.close("first")
    outbox.close("second")
    outbox.send(Close())
    outbox.ask(QUESTION)
    outbox.wake_in(5)
    assert outbox.drain() == [CloseConnection("first")]
    assert outbox.closed


def test_no_frame_is_longer_than_the_peer_accepts() -> None:
    outbox = Outbox(512)
    with pytest.raises(Violation, match="accepts no frame") as caught:
        outbox.send(Open(container_id="c" * 600))
    assert caught.value.condition == "amqp:resource-limit-exceeded"
    assert outbox.drain() == []


def test_for_a_peer_that_is_gone_there_is_nothing_to_do() -> None:
    outbox = Outbox(512)
    outbox.send(Close())
    outbox.ask(QUESTION)
    outbox.wake_in(5)
    outbox.abandon()
    assert outbox.drain() == []
    assert outbox.closed
