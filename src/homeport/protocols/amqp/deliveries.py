"""The two kinds of link, by what flows on them: requests in, replies out (2.6).

A link knows its credit and the message under way, and nothing of windows, frames or the other links; those are
`links.py`'s. What is kept for a peer is bounded: one message in pieces, so many replies in waiting.
"""

from collections import deque

import msgspec

from homeport.protocols.amqp import conditions
from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.performatives import Attach, Transfer
from homeport.protocols.amqp.types import Uint

MAX_MESSAGE_SIZE = 128 * 1024
CREDIT = 32
"""How many requests a device may have under way on a link; beyond `MAX_QUESTIONS` they are throttled."""

_MAX_WAITING = 64
_MODULUS = 1 << 32


class Delivery(msgspec.Struct, frozen=True):
    """A message that has come in full. `settled`: the device does not want to know what became of it."""

    handle: Uint
    delivery_id: Uint
    settled: bool
    payload: bytes


class IncomingLink:
    """The device sends. Credit goes to it as its requests are settled, never beyond `CREDIT`."""

    __slots__ = ("_buffer", "_delivery_id", "_settled", "credit", "delivery_count", "handle", "unsettled")

    def __init__(self, attach: Attach) -> None:
        self.handle = attach.handle
        self.delivery_count = attach.initial_delivery_count or Uint(0)
        self.credit = CREDIT
        self.unsettled: set[Uint] = set()
        """Deliveries that the device waits for."""
        self._buffer = bytearray()
        self._delivery_id: Uint | None = None
        self._settled = False

    def take(self, transfer: Transfer, payload: bytes) -> Delivery | None:
        """A transfer; the delivery, if it is complete now.

        Raises:
            Violation: it has no identity, no credit, or is too large.
        """
        if self._delivery_id is None:
            self._begin(transfer)
        self._settled = self._settled or bool(transfer.settled)
        self._buffer += payload
        if len(self._buffer) > MAX_MESSAGE_SIZE:
            raise Violation(conditions.MESSAGE_SIZE_EXCEEDED, f"a message of more than {MAX_MESSAGE_SIZE} bytes")
        return None if transfer.more and not transfer.aborted else self._end(transfer)

    def settle(self, delivery_id: Uint) -> bool:
        """Forget a delivery. Whether the device has to be given credit."""
        self.unsettled.discard(delivery_id)
        return self.replenish()

    def replenish(self) -> bool:
        """Renew the credit once there is room for half of it; whether the device has to be told."""
        room = CREDIT - self.credit - len(self.unsettled)
        if room < CREDIT // 2:
            return False
        self.credit += room
        return True

    def _begin(self, transfer: Transfer) -> None:
        if transfer.delivery_id is None or transfer.delivery_id in self.unsettled:
            raise Violation(conditions.NOT_ALLOWED, "a delivery without an identity of its own")
        if not self.credit:
            raise Violation(conditions.TRANSFER_LIMIT_EXCEEDED, "a transfer without credit")
        self.credit -= 1
        self.delivery_count = Uint((self.delivery_count + 1) % _MODULUS)
        self._delivery_id = transfer.delivery_id
        self.unsettled.add(transfer.delivery_id)

    def _end(self, transfer: Transfer) -> Delivery | None:
        delivery = Delivery(self.handle, self._delivery_id or Uint(0), self._settled, bytes(self._buffer))
        self._buffer.clear()
        self._delivery_id, self._settled = None, False
        if not transfer.aborted:
            return delivery
        self.unsettled.discard(delivery.delivery_id)
        return None


class OutgoingLink:
    """The device receives. A reply waits for credit."""

    __slots__ = ("_offset", "credit", "delivery_count", "handle", "settled", "waiting")

    def __init__(self, attach: Attach, *, settled: bool) -> None:
        self.handle = attach.handle
        self.settled = settled
        """Whether replies leave settled."""
        self.delivery_count = Uint(0)
        self.credit = 0
        self.waiting: deque[bytes] = deque()
        self._offset = 0

    @property
    def under_way(self) -> bool:
        """Whether a part of the first reply has left."""
        return self._offset > 0

    @property
    def may_send(self) -> bool:
        """Whether there is something to send, and credit for it."""
        return bool(self.waiting) and (self.under_way or self.credit > 0)

    def enqueue(self, message: bytes) -> None:
        """A reply is to leave.

        Raises:
            Violation: the device does not take those that wait.
        """
        if len(self.waiting) >= _MAX_WAITING:
            raise Violation(conditions.RESOURCE_LIMIT_EXCEEDED, "does not take what it is sent")
        self.waiting.append(message)

    def next_piece(self, size: int) -> tuple[bytes, bool]:
        """The next piece of the first reply, at most so long, and whether more follow. The first piece costs credit."""
        if not self.under_way:
            self._spend(1)
        message = self.waiting[0]
        piece = message[self._offset : self._offset + size]
        self._offset += len(piece)
        more = self._offset < len(message)
        if not more:
            self.waiting.popleft()
            self._offset = 0
        return piece, more

    def grant(self, delivery_count: int | None, link_credit: int) -> None:
        """The device's credit, counted from the deliveries that it knew of (2.6.7)."""
        known = 0 if delivery_count is None else delivery_count
        credit = (known + link_credit - self.delivery_count) % _MODULUS
        self.credit = credit if credit < _MODULUS // 2 else 0

    def drained(self) -> None:
        """The device wants its credit used up; what cannot be used is gone."""
        self._spend(self.credit)

    def _spend(self, credit: int) -> None:
        self.credit -= credit
        self.delivery_count = Uint((self.delivery_count + credit) % _MODULUS)
