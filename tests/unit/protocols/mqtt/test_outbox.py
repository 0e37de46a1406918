"""Commands of one event, in order."""

from homeport import errors
from homeport.errors import HomeportError
from homeport.protocols.conversation import CloseConnection, Refuse, RequestWakeup, SendData
from homeport.protocols.mqtt.outbox import Outbox
from homeport.protocols.mqtt.packets import Pingresp, Puback, ReturnCode

QUESTION = Refuse(HomeportError(errors.THROTTLED))


def test_bytes_leave_together_and_first_and_the_end_comes_last() -> None:
    outbox = Outbox()
    outbox.wake_in(5)
    outbox.send(Puback(1))
    outbox.ask(QUESTION)
    outbox.send(Pingresp())
    outbox.close("enough")
    assert outbox.drain() == [
        SendData(b"\x40\x02\x00\x01\xd0\x00"),
        QUESTION,
        RequestWakeup(5),
        CloseConnection("enough"),
    ]
    assert outbox.drain() == []


def test_the_last_wakeup_counts() -> None:
    outbox = Outbox()
    outbox.wake_in(5)
    outbox.wake_in(None)
    assert outbox.drain() == [RequestWakeup(None)]


def test_nothing_enters_after_the_end() -> None:
    outbox = Outbox()
    outbox.reject(ReturnCode.NOT_AUTHORIZED, "first")
    outbox.close("second")
    outbox.send(Pingresp())
    outbox.ask(QUESTION)
    outbox.wake_in(5)
    assert outbox.drain() == [SendData(b"\x20\x02\x00\x05"), CloseConnection("first")]
    assert outbox.closed


def test_for_a_peer_that_is_gone_there_is_nothing_to_do() -> None:
    outbox = Outbox()
    outbox.send(Pingresp())
    outbox.ask(QUESTION)
    outbox.wake_in(5)
    outbox.abandon()
    assert outbox.drain() == []
    assert outbox.closed
