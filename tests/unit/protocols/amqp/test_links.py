"""One session's windows and links."""

import pytest
from tests.unit.protocols.amqp.device import read_all

from homeport.protocols.amqp.conditions import NOT_FOUND, Violation
from homeport.protocols.amqp.deliveries import CREDIT, MAX_MESSAGE_SIZE, Delivery
from homeport.protocols.amqp.links import MAX_LINKS, Links
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import (
    FIRST,
    MIXED,
    RECEIVER,
    SECOND,
    SENDER,
    UNSETTLED,
    Accepted,
    Attach,
    Begin,
    Detach,
    Disposition,
    End,
    Error,
    Flow,
    Rejected,
    Released,
    Source,
    Target,
    Transfer,
)
from homeport.protocols.amqp.types import Ubyte, Uint, Ulong, Ushort

BEGIN = Begin(next_outgoing_id=Uint(0xFFFFFFFF), incoming_window=Uint(4), outgoing_window=Uint(4))
SIZE = Ulong(MAX_MESSAGE_SIZE)
ERROR = Error(NOT_FOUND, "no")


class Peer:
    """A session, and what its device is sent."""

    def __init__(self, *, max_frame_size: int = 4096, begin: Begin = BEGIN) -> None:
        self.outbox = Outbox(max_frame_size)
        self.links = Links(self.outbox, begin, 7)
        self.sent()

    def sent(self) -> list[object]:
        return [frame.performative for frame in read_all(self.outbox.drain())]

    def receives(self, handle: int = 0, *, settle: Ubyte = MIXED, credit: int | None = None) -> None:
        self.links.attach(
            Attach(name="r", handle=Uint(handle), role=RECEIVER, snd_settle_mode=settle, source=Source(address="a"))
        )
        if credit is not None:
            self.links.flowed(flow(handle, credit))

    def sends(self, handle: int = 1) -> None:
        self.links.attach(
            Attach(name="s", handle=Uint(handle), role=SENDER, rcv_settle_mode=SECOND, target=Target(address="a"))
        )

    def transfers(self, number: int = 0, *, settled: bool = False, handle: int = 1) -> Delivery:
        transfer = Transfer(handle=Uint(handle), delivery_id=Uint(number), settled=settled)
        delivery = self.links.transferred(transfer, b"x")
        assert delivery is not None
        return delivery


def flow(handle: int | None, credit: int, *, window: int = 100, known: int = 0, **more: bool) -> Flow:
    return Flow(
        next_incoming_id=Uint(known),
        incoming_window=Uint(window),
        next_outgoing_id=Uint(0),
        outgoing_window=Uint(4),
        handle=None if handle is None else Uint(handle),
        delivery_count=None if handle is None else Uint(0),
        link_credit=None if handle is None else Uint(credit),
        **more,
    )


# --- links --------------------------------------------------------------------------------------------------------


def test_a_session_begins() -> None:
    outbox = Outbox(512)
    Links(outbox, BEGIN, 7)
    [frame] = read_all(outbox.drain())
    assert frame.performative == Begin(
        remote_channel=Ushort(7),
        next_outgoing_id=Uint(0),
        incoming_window=Uint(2048),
        outgoing_window=Uint(2048),
        handle_max=Uint(MAX_LINKS - 1),
    )


def test_a_link_to_send_on_gets_credit() -> None:
    peer = Peer()
    peer.sends()
    confirmed = Attach(
        name="s",
        handle=Uint(1),
        role=RECEIVER,
        rcv_settle_mode=FIRST,
        source=Source(),
        target=Target(address="a"),
        max_message_size=SIZE,
    )
    assert peer.sent() == [
        confirmed,
        Flow(
            next_incoming_id=Uint(0xFFFFFFFF),
            incoming_window=Uint(2048),
            next_outgoing_id=Uint(0),
            outgoing_window=Uint(2048),
            handle=Uint(1),
            delivery_count=Uint(0),
            link_credit=Uint(CREDIT),
        ),
    ]


def test_a_link_to_receive_on_is_confirmed_in_its_own_words() -> None:
    peer = Peer()
    assert not peer.links.can_reply
    peer.receives(settle=UNSETTLED)
    assert peer.links.can_reply
    assert peer.sent() == [
        Attach(
            name="r",
            handle=Uint(0),
            role=SENDER,
            snd_settle_mode=UNSETTLED,
            source=Source(address="a"),
            target=Target(),
            initial_delivery_count=Uint(0),
            max_message_size=SIZE,
        )
    ]


def test_a_refused_link_is_attached_to_nothing_and_detached() -> None:
    peer = Peer()
    attach = Attach(name="r", handle=Uint(2), role=RECEIVER, source=Source(address="x"))
    peer.links.refuse(attach, ERROR)
    assert peer.sent() == [
        Attach(name="r", handle=Uint(2), role=SENDER, initial_delivery_count=Uint(0)),
        Detach(handle=Uint(2), closed=True, error=ERROR),
    ]
    peer.links.flowed(flow(2, 5))
    with pytest.raises(Violation, match="a second link"):
        peer.links.check(attach)
    peer.links.detached(Detach(handle=Uint(2), closed=True))
    peer.links.check(attach)
    assert peer.sent() == []


def test_a_device_detaches() -> None:
    peer = Peer()
    peer.receives(0)
    peer.sends(1)
    peer.sent()
    peer.links.detached(Detach(handle=Uint(0), closed=True))
    peer.links.detached(Detach(handle=Uint(1)))
    assert peer.sent() == [Detach(handle=Uint(0), closed=True), Detach(handle=Uint(1))]
    assert not peer.links.can_reply


@pytest.mark.parametrize(
    ("handle", "condition"), [(MAX_LINKS, "amqp:connection:framing-error"), (1, "amqp:session:handle-in-use")]
)
def test_links_are_few_and_each_has_its_handle(handle: int, condition: str) -> None:
    peer = Peer()
    peer.sends(1)
    with pytest.raises(Violation) as caught:
        peer.links.check(Attach(name="n", handle=Uint(handle), role=SENDER))
    assert caught.value.condition == condition


def test_nothing_goes_without_a_link() -> None:
    peer = Peer()
    for act in (
        lambda: peer.links.detached(Detach(handle=Uint(1))),
        lambda: peer.links.flowed(flow(1, 1)),
        lambda: peer.links.transferred(Transfer(handle=Uint(1), delivery_id=Uint(0)), b""),
    ):
        with pytest.raises(Violation) as caught:
            act()
        assert caught.value.condition == "amqp:session:unattached-handle"


# --- requests -----------------------------------------------------------------------------------------------------


def settled_with(state: object, delivery_id: int = 0) -> Disposition:
    return Disposition(role=RECEIVER, first=Uint(delivery_id), settled=True, state=state)  # type: ignore[arg-type]


def test_requests_are_settled_as_they_turn_out() -> None:
    peer = Peer()
    peer.sends()
    peer.sent()
    peer.links.accept(peer.transfers(0))
    peer.links.reject(peer.transfers(1), ERROR)
    peer.links.release(peer.transfers(2))
    assert peer.sent() == [
        settled_with(Accepted(), 0),
        settled_with(Rejected(ERROR), 1),
        settled_with(Released(), 2),
    ]


def test_a_request_is_settled_once() -> None:
    peer = Peer()
    peer.sends()
    delivery = peer.transfers()
    peer.links.accept(delivery)
    peer.sent()
    peer.links.accept(delivery)
    assert peer.sent() == []


def test_credit_is_renewed_as_requests_are_settled() -> None:
    peer = Peer()
    peer.sends()
    for number in range(CREDIT // 2):
        peer.links.accept(peer.transfers(number))
    *_, renewed = peer.sent()
    assert isinstance(renewed, Flow)
    assert (renewed.delivery_count, renewed.link_credit) == (CREDIT // 2, CREDIT)


def test_whoever_settles_beforehand_hears_nothing_of_success_and_loses_the_link_over_failure() -> None:
    peer = Peer()
    peer.sends()
    peer.sent()
    peer.links.accept(peer.transfers(0, settled=True))
    assert peer.sent() == []
    peer.links.reject(peer.transfers(1, settled=True), ERROR)
    assert peer.sent() == [Detach(handle=Uint(1), closed=True, error=ERROR)]
    assert peer.links.transferred(Transfer(handle=Uint(1), delivery_id=Uint(2)), b"late") is None


def test_a_session_that_ended_answers_no_more() -> None:
    peer = Peer()
    peer.sends()
    delivery = peer.transfers()
    peer.sent()
    peer.links.end()
    peer.links.accept(delivery)
    peer.links.reply(b"x")
    assert peer.sent() == [End()]


def test_the_window_is_opened_again_when_half_of_it_is_used() -> None:
    peer = Peer()
    peer.sends()
    for number in range(CREDIT // 4):
        for _ in range(127):
            more = Transfer(handle=Uint(1), delivery_id=Uint(number), more=True)
            assert peer.links.transferred(more, b"") is None
        peer.links.accept(peer.transfers(number))
    flows = [frame for frame in peer.sent() if isinstance(frame, Flow) and frame.handle is None]
    assert [(each.next_incoming_id, each.incoming_window) for each in flows] == [(1023, 2048)]


# --- replies ------------------------------------------------------------------------------------------------------


def test_a_reply_leaves_settled() -> None:
    peer = Peer()
    peer.receives(credit=1)
    peer.sent()
    peer.links.reply(b"hello")
    [frame] = read_all(peer.outbox.drain())
    assert frame.payload == b"hello"
    assert frame.performative == Transfer(
        handle=Uint(0), delivery_id=Uint(0), delivery_tag=bytes(4), message_format=Uint(0), settled=True
    )


def test_a_reply_waits_for_credit_and_for_the_window() -> None:
    peer = Peer()
    peer.receives()
    peer.sent()
    peer.links.reply(b"one")
    assert peer.sent() == []
    peer.links.flowed(flow(0, 5, window=0))
    assert peer.sent() == []
    peer.links.flowed(flow(None, 0, window=1))
    assert len(peer.sent()) == 1


def test_a_long_reply_is_cut_to_the_frames_and_the_window_of_the_device() -> None:
    peer = Peer(max_frame_size=512)
    peer.receives(credit=2)
    peer.sent()
    peer.links.flowed(flow(0, 2, window=2))
    message = bytes(index % 251 for index in range(1300))
    peer.links.reply(message)
    first = read_all(peer.outbox.drain())
    peer.links.flowed(flow(None, 0, window=2, known=2))
    pieces = first + read_all(peer.outbox.drain())
    assert len(first) == 2
    assert b"".join(piece.payload for piece in pieces) == message
    assert [piece.performative.more for piece in pieces] == [True, True, False]  # type: ignore[union-attr]
    peer.links.reply(b"next")
    [frame] = read_all(peer.outbox.drain())
    assert isinstance(frame.performative, Transfer)
    assert frame.performative.delivery_id == 1


def test_without_a_link_there_is_no_reply() -> None:
    peer = Peer()
    peer.links.reply(b"x")
    assert peer.sent() == []


def test_a_reply_goes_to_the_link_that_was_attached_last() -> None:
    peer = Peer()
    peer.receives(0, credit=1)
    peer.receives(2, credit=1)
    peer.sent()
    peer.links.reply(b"x")
    [transfer] = peer.sent()
    assert isinstance(transfer, Transfer)
    assert transfer.handle == 2


def test_csharp_settles_on_disposal() -> None:
    peer = Peer()
    peer.receives(settle=UNSETTLED, credit=2)
    peer.links.reply(b"x")
    peer.links.reply(b"y")
    *_, first, second = peer.sent()
    assert isinstance(first, Transfer)
    assert isinstance(second, Transfer)
    assert (first.settled, second.settled) == (False, False)
    peer.links.disposed(Disposition(role=RECEIVER, first=Uint(0), last=Uint(1), state=Accepted()))
    assert peer.sent() == [
        Disposition(role=SENDER, first=Uint(0), last=Uint(1), settled=True, state=Accepted()),
    ]
    peer.links.disposed(Disposition(role=RECEIVER, first=Uint(0), last=Uint(0xFFFFFFFF), state=Accepted()))
    peer.links.disposed(Disposition(role=SENDER, first=Uint(0)))
    assert peer.sent() == []


def test_a_device_that_settles_nothing_is_not_served_for_ever() -> None:
    peer = Peer()
    peer.receives(settle=UNSETTLED, credit=100)
    with pytest.raises(Violation, match="does not settle"):
        [peer.links.reply(b"x") for _ in range(65)]


def test_echo_and_drain() -> None:
    peer = Peer()
    peer.receives(0, credit=3)
    peer.sends(1)
    peer.sent()
    peer.links.flowed(flow(None, 0, echo=True))
    peer.links.flowed(flow(1, 0, echo=True))
    peer.links.flowed(flow(0, 3, drain=True))
    session, incoming, outgoing = peer.sent()
    assert isinstance(session, Flow)
    assert isinstance(incoming, Flow)
    assert isinstance(outgoing, Flow)
    assert (session.handle, incoming.link_credit) == (None, CREDIT)
    assert (outgoing.delivery_count, outgoing.link_credit, outgoing.drain) == (3, 0, True)


def test_a_device_that_gives_its_messages_up_is_given_credit_again() -> None:
    peer = Peer()
    peer.sends()
    peer.sent()
    for number in range(CREDIT // 2):
        aborted = Transfer(handle=Uint(1), delivery_id=Uint(number), aborted=True)
        assert peer.links.transferred(aborted, b"x") is None
    [flowed] = peer.sent()
    assert isinstance(flowed, Flow)
    assert (flowed.delivery_count, flowed.link_credit) == (Uint(CREDIT // 2), Uint(CREDIT))
