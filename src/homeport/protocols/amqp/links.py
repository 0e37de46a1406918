"""The one session of a connection: its windows, its links, and what passes on them (2.5, 2.6).

Counterparts: `session.py`, which keeps the connection, and a dialogue, which knows what addresses and messages mean.
A dialogue consents to a link before it is attached here, gets deliveries, and settles and replies through here.
"""

from homeport.protocols.amqp import conditions
from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.deliveries import MAX_MESSAGE_SIZE, Delivery, IncomingLink, OutgoingLink
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import (
    FIRST,
    RECEIVER,
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
from homeport.protocols.amqp.types import Described, Uint, Ulong, Ushort

MAX_LINKS = 4

_WINDOW = 2048
_MAX_UNSETTLED = 64
_MODULUS = 1 << 32
# A frame's header and a transfer's fields, all at their longest.
_TRANSFER_OVERHEAD = 64
_MESSAGE_FORMAT = Uint(0)


class Links:
    """A session that has begun. Handles are the device's own, in both directions."""

    def __init__(self, outbox: Outbox, begin: Begin, channel: int) -> None:
        self.channel = channel
        self._outbox = outbox
        self._incoming: dict[Uint, IncomingLink] = {}
        self._outgoing: dict[Uint, OutgoingLink] = {}
        self._detaching: set[Uint] = set()
        self._unsettled: set[int] = set()
        self._next_incoming_id = int(begin.next_outgoing_id)
        self._next_outgoing_id = 0
        self._next_delivery_id = 0
        self._incoming_window = _WINDOW
        self._outgoing_window = int(begin.incoming_window)
        self._outbox.send(
            Begin(
                remote_channel=Ushort(channel),
                next_outgoing_id=Uint(0),
                incoming_window=Uint(_WINDOW),
                outgoing_window=Uint(_WINDOW),
                handle_max=Uint(MAX_LINKS - 1),
            )
        )

    @property
    def can_reply(self) -> bool:
        """Whether the device has a link on which it receives."""
        return bool(self._outgoing)

    # --- attaching and detaching ------------------------------------------------------------------------------

    def check(self, attach: Attach) -> None:
        """Whether there is room for a link.

        Raises:
            Violation: its handle is out of range, or taken.
        """
        if attach.handle >= MAX_LINKS:
            raise Violation(conditions.FRAMING_ERROR, f"a handle beyond {MAX_LINKS - 1}")
        if attach.handle in self._incoming or attach.handle in self._outgoing or attach.handle in self._detaching:
            raise Violation(conditions.HANDLE_IN_USE, "a second link of one handle")

    def attach(self, attach: Attach) -> None:
        """Confirm a link, and let the device send on it, or wait until it wants to receive."""
        if attach.role == RECEIVER:
            self._outgoing[attach.handle] = OutgoingLink(attach, settled=attach.snd_settle_mode != UNSETTLED)
            self._confirm(attach, initial_delivery_count=Uint(0))
        else:
            self._incoming[attach.handle] = link = IncomingLink(attach)
            self._confirm(attach)
            self._grant(link)

    def refuse(self, attach: Attach, error: Error) -> None:
        """Attach without the terminus that was asked for, then detach (2.6.3)."""
        count = Uint(0) if attach.role == RECEIVER else None
        self._outbox.send(
            Attach(name=attach.name, handle=attach.handle, role=not attach.role, initial_delivery_count=count)
        )
        self._detach(attach.handle, error)

    def detached(self, detach: Detach) -> None:
        """The device ends a link, or confirms that we have.

        Raises:
            Violation: there is no such link.
        """
        if detach.handle in self._detaching:
            return self._detaching.remove(detach.handle)
        if not self._incoming.pop(detach.handle, None) and not self._outgoing.pop(detach.handle, None):
            raise Violation(conditions.UNATTACHED_HANDLE, "a detach of no link")
        self._outbox.send(Detach(handle=detach.handle, closed=detach.closed))

    def end(self) -> None:
        """The device ends the session, and its links with it; what was asked on them is answered no more."""
        self._incoming.clear()
        self._outgoing.clear()
        self._outbox.send(End())

    def _confirm(self, attach: Attach, *, initial_delivery_count: Uint | None = None) -> None:
        """The ends of the link are what the device calls them, without filters and capabilities that it may wish for;
        requests are settled in the simpler one of two ways."""
        self._outbox.send(
            Attach(
                name=attach.name,
                handle=attach.handle,
                role=not attach.role,
                snd_settle_mode=attach.snd_settle_mode,
                rcv_settle_mode=attach.rcv_settle_mode if attach.role == RECEIVER else FIRST,
                source=Source(address=_address(attach.source)),
                target=Target(address=_address(attach.target)),
                initial_delivery_count=initial_delivery_count,
                max_message_size=Ulong(MAX_MESSAGE_SIZE),
            )
        )

    def _detach(self, handle: Uint, error: Error) -> None:
        self._incoming.pop(handle, None)
        self._detaching.add(handle)
        self._outbox.send(Detach(handle=handle, closed=True, error=error))

    # --- requests ---------------------------------------------------------------------------------------------

    def transferred(self, transfer: Transfer, payload: bytes) -> Delivery | None:
        """A message, or a piece of one; the delivery, if it is complete now.

        Raises:
            Violation: the transfer breaks a credit or a limit, or has no link.
        """
        self._count_incoming()
        if transfer.handle in self._detaching:
            return None
        link = self._incoming.get(transfer.handle)
        if link is None:
            raise Violation(conditions.UNATTACHED_HANDLE, "a transfer on no link")
        delivery = link.take(transfer, payload)
        if transfer.aborted and link.replenish():
            self._grant(link)
        return delivery

    def accept(self, delivery: Delivery) -> None:
        """The request is good; the device wants to know that before it gets the reply (C, Java)."""
        self._settle(delivery, Accepted())

    def release(self, delivery: Delivery) -> None:
        """The request has come to nothing, and may be sent again."""
        self._settle(delivery, Released())

    def reject(self, delivery: Delivery, error: Error) -> None:
        """The request has failed. A device that does not want to know loses its link instead."""
        if delivery.settled and delivery.handle in self._incoming:
            return self._detach(delivery.handle, error)
        self._settle(delivery, Rejected(error))

    def _settle(self, delivery: Delivery, state: Accepted | Rejected | Released) -> None:
        link = self._incoming.get(delivery.handle)
        if link is None or delivery.delivery_id not in link.unsettled:
            return
        if not delivery.settled:
            self._outbox.send(Disposition(role=RECEIVER, first=delivery.delivery_id, settled=True, state=state))
        if link.settle(delivery.delivery_id):
            self._grant(link)

    def _count_incoming(self) -> None:
        """2.5.6. The window is opened again when half of it is used, so none can go beyond it."""
        self._incoming_window -= 1
        self._next_incoming_id = (self._next_incoming_id + 1) % _MODULUS
        if self._incoming_window <= _WINDOW // 2:
            self._incoming_window = _WINDOW
            self._outbox.send(self._flow())

    def _grant(self, link: IncomingLink) -> None:
        self._outbox.send(
            self._flow(handle=link.handle, delivery_count=link.delivery_count, link_credit=Uint(link.credit))
        )

    # --- replies ----------------------------------------------------------------------------------------------

    def reply(self, message: bytes) -> None:
        """Send a message on the link that was attached last, as soon as the device takes it.

        Raises:
            Violation: the device does not take what waits already.
        """
        if self._outgoing:
            link = next(reversed(self._outgoing.values()))
            link.enqueue(message)
            self._push(link)

    def flowed(self, flow: Flow) -> None:
        """The device's window, and perhaps its credit for a link (2.5.6, 2.6.7).

        Raises:
            Violation: there is no such link.
        """
        known = flow.next_incoming_id or 0
        window = (known + flow.incoming_window - self._next_outgoing_id) % _MODULUS
        self._outgoing_window = window if window < _MODULUS // 2 else 0
        if flow.handle is not None:
            self._link_flowed(flow, flow.handle)
        elif flow.echo:
            self._outbox.send(self._flow())
        for link in list(self._outgoing.values()):
            self._push(link)

    def disposed(self, disposition: Disposition) -> None:
        """What the device made of replies. Those that it has not settled are settled in answer (2.6.12)."""
        if disposition.role != RECEIVER:
            return
        last = disposition.first if disposition.last is None else disposition.last
        named = {delivery_id for delivery_id in self._unsettled if disposition.first <= delivery_id <= last}
        self._unsettled -= named
        if named and not disposition.settled:
            first, last = Uint(min(named)), Uint(max(named))
            state = Accepted() if isinstance(disposition.state, Accepted) else None
            self._outbox.send(Disposition(role=SENDER, first=first, last=last, settled=True, state=state))

    def _link_flowed(self, flow: Flow, handle: Uint) -> None:
        if (link := self._outgoing.get(handle)) is not None:
            link.grant(flow.delivery_count, flow.link_credit or 0)
            self._push(link)
            if flow.drain:
                link.drained()
            if flow.drain or flow.echo:
                self._outbox.send(self._link_state(link, drain=flow.drain))
        elif (incoming := self._incoming.get(handle)) is not None:
            if flow.echo:
                self._grant(incoming)
        elif handle not in self._detaching:
            raise Violation(conditions.UNATTACHED_HANDLE, "a flow on no link")

    def _push(self, link: OutgoingLink) -> None:
        """Send what credit and window allow."""
        size = self._outbox.max_frame_size - _TRANSFER_OVERHEAD
        while self._outgoing_window and link.may_send:
            delivery_id = self._delivery_id(link)
            piece, more = link.next_piece(size)
            self._outgoing_window -= 1
            self._next_outgoing_id = (self._next_outgoing_id + 1) % _MODULUS
            self._outbox.send(self._transfer(link, delivery_id, more=more), piece)

    def _delivery_id(self, link: OutgoingLink) -> int | None:
        """The identity of a delivery that begins; its later pieces need none.

        Raises:
            Violation: the device settles nothing.
        """
        if link.under_way:
            return None
        delivery_id = self._next_delivery_id
        self._next_delivery_id = (delivery_id + 1) % _MODULUS
        if not link.settled:
            if len(self._unsettled) >= _MAX_UNSETTLED:
                raise Violation(conditions.RESOURCE_LIMIT_EXCEEDED, "does not settle what it is sent")
            self._unsettled.add(delivery_id)
        return delivery_id

    def _transfer(self, link: OutgoingLink, delivery_id: int | None, *, more: bool) -> Transfer:
        if delivery_id is None:
            return Transfer(handle=link.handle, settled=link.settled, more=more)
        return Transfer(
            handle=link.handle,
            delivery_id=Uint(delivery_id),
            delivery_tag=delivery_id.to_bytes(4),
            message_format=_MESSAGE_FORMAT,
            settled=link.settled,
            more=more,
        )

    def _link_state(self, link: OutgoingLink, *, drain: bool) -> Flow:
        return self._flow(
            handle=link.handle,
            delivery_count=link.delivery_count,
            link_credit=Uint(link.credit),
            available=Uint(len(link.waiting)),
            drain=drain,
        )

    def _flow(
        self,
        *,
        handle: Uint | None = None,
        delivery_count: Uint | None = None,
        link_credit: Uint | None = None,
        available: Uint | None = None,
        drain: bool = False,
    ) -> Flow:
        return Flow(
            next_incoming_id=Uint(self._next_incoming_id),
            incoming_window=Uint(self._incoming_window),
            next_outgoing_id=Uint(self._next_outgoing_id),
            outgoing_window=Uint(_WINDOW),
            handle=handle,
            delivery_count=delivery_count,
            link_credit=link_credit,
            available=available,
            drain=drain,
        )


def _address(terminus: Source | Target | Described | None) -> str | None:
    """Text only: what else may stand there, nobody here could write again."""
    address = terminus.address if isinstance(terminus, Source | Target) else None
    return address if isinstance(address, str) else None
