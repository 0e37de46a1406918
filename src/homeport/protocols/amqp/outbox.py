"""What one event brings about, with AMQP's frames as its bytes; the rest is `protocols/outbox.py`'s."""

from homeport.protocols.amqp import conditions
from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.frames import encode_frame
from homeport.protocols.amqp.performatives import Performative, SaslPerformative
from homeport.protocols.outbox import CommandOutbox


class Outbox(CommandOutbox):
    """The commands of one connection's current event."""

    __slots__ = ("max_frame_size",)

    def __init__(self, max_frame_size: int) -> None:
        super().__init__()
        self.max_frame_size = max_frame_size
        """The largest frame that the peer accepts."""

    def send(self, performative: Performative | SaslPerformative, payload: bytes = b"") -> None:
        """Send a frame.

        Raises:
            Violation: the peer's limit is too small for it. Transfers are cut to fit by whoever sends them.
        """
        frame = encode_frame(performative, payload)
        if len(frame) > self.max_frame_size:
            raise Violation(conditions.RESOURCE_LIMIT_EXCEEDED, "the peer accepts no frame as long as its answer")
        self.send_bytes(frame)
