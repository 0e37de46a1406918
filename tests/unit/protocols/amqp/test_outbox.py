"""Frames into an outbox, as long as the peer accepts them."""

import pytest

from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.frames import HEARTBEAT, encode_frame
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import Close, Open
from homeport.protocols.conversation import SendData


def test_frames_leave_together() -> None:
    outbox = Outbox(512)
    outbox.send(Close())
    outbox.send_bytes(HEARTBEAT)
    assert outbox.drain() == [SendData(encode_frame(Close()) + HEARTBEAT)]


def test_no_frame_is_longer_than_the_peer_accepts() -> None:
    outbox = Outbox(512)
    with pytest.raises(Violation, match="accepts no frame") as caught:
        outbox.send(Open(container_id="c" * 600))
    assert caught.value.condition == "amqp:resource-limit-exceeded"
    assert outbox.drain() == []
