"""Packets into an outbox, and the one that ends a connection before it began."""

from homeport.protocols.conversation import CloseConnection, SendData
from homeport.protocols.mqtt.outbox import Outbox
from homeport.protocols.mqtt.packets import Pingresp, Puback, ReturnCode


def test_packets_leave_together() -> None:
    outbox = Outbox()
    outbox.send(Puback(1))
    outbox.send(Pingresp())
    assert outbox.drain() == [SendData(b"\x40\x02\x00\x01\xd0\x00")]


def test_a_rejected_connect_is_told_its_code_and_nothing_more() -> None:
    outbox = Outbox()
    outbox.reject(ReturnCode.NOT_AUTHORIZED, "first")
    outbox.close("second")
    outbox.send(Pingresp())
    assert outbox.drain() == [SendData(b"\x20\x02\x00\x05"), CloseConnection("first")]
    assert outbox.closed
