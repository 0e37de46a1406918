"""Commands of one event, in order."""

from homeport import errors
from homeport.errors import HomeportError
from homeport.protocols.conversation import CloseConnection, Refuse, RequestWakeup, SendData
from homeport.protocols.outbox import CommandOutbox

QUESTION = Refuse(HomeportError(errors.THROTTLED))


def test_bytes_leave_together_and_first_and_the_end_comes_last() -> None:
    outbox = CommandOutbox()
    outbox.wake_in(5)
    outbox.send_bytes(b"one ")
    outbox.ask(QUESTION)
    outbox.send_bytes(b"two")
    outbox.close("enough")
    assert outbox.drain() == [SendData(b"one two"), QUESTION, RequestWakeup(5), CloseConnection("enough")]
    assert outbox.drain() == []


def test_the_last_wakeup_counts() -> None:
    outbox = CommandOutbox()
    outbox.wake_in(5)
    outbox.wake_in(None)
    assert outbox.drain() == [RequestWakeup(None)]


def test_nothing_enters_after_the_end() -> None:
    outbox = CommandOutbox()
    outbox.close("first")
    outbox.close("second")
    outbox.send_bytes(b"late")
    outbox.ask(QUESTION)
    outbox.wake_in(5)
    assert outbox.drain() == [CloseConnection("first")]
    assert outbox.closed


def test_for_a_peer_that_is_gone_there_is_nothing_to_do() -> None:
    outbox = CommandOutbox()
    outbox.send_bytes(b"data")
    outbox.ask(QUESTION)
    outbox.wake_in(5)
    outbox.abandon()
    assert outbox.drain() == []
    assert outbox.closed
