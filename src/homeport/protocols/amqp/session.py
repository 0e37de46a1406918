"""One device's AMQP 1.0 connection, server side: headers, SASL, open and close, liveness and draining.

A client with a certificate opens with the header of AMQP itself, any other with that of SASL; `sasl_layer.py` has
the latter until it has passed. `links.py` is the one session that a connection may have at a time. Whom the device
talks to, its first link decides; so far that can only be the provisioning service, `dps_session.py`. Whatever
arrives, `receive` answers with commands, and each violation ends the connection with its condition.
"""

from typing import Protocol

from homeport.model.attestation import PresentedCredential
from homeport.protocols.amqp import conditions, registration_link
from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.deliveries import Delivery
from homeport.protocols.amqp.dps_session import IDLE_LIMIT, DpsDialogue, liveness_of
from homeport.protocols.amqp.frames import (
    AMQP_HEADER,
    HEARTBEAT,
    MIN_MAX_FRAME_SIZE,
    SASL_HEADER,
    Frame,
    FrameReader,
    FrameType,
    encode_frame,
)
from homeport.protocols.amqp.links import Links
from homeport.protocols.amqp.liveness import Liveness
from homeport.protocols.amqp.messages import Message, decode_message
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import (
    RECEIVER,
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Error,
    Flow,
    Open,
    Source,
    Target,
    Transfer,
)
from homeport.protocols.amqp.sasl_layer import SaslLayer
from homeport.protocols.amqp.types import Map, Symbol, Uint, Ushort
from homeport.protocols.conversation import (
    Answered,
    Command,
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    Displaced,
    Draining,
    Event,
    WakeupReached,
)

MAX_SASL_FRAME = 8 * 1024
MAX_FRAME_SIZE = 32 * 1024
MAX_BACKLOG_BEFORE_PROOF = 40 * 1024

_CONTAINER_ID = "homeport"
_CHANNEL_MAX = Ushort(0)
_MILLISECONDS = 1000
_IDLE_TIME_OUT = Uint(IDLE_LIMIT * _MILLISECONDS // 2)
"""What is announced is half of what is kept (2.4.5)."""
# What every connection is told is encoded once.
_OPEN = encode_frame(
    Open(
        container_id=_CONTAINER_ID,
        max_frame_size=Uint(MAX_FRAME_SIZE),
        channel_max=_CHANNEL_MAX,
        idle_time_out=_IDLE_TIME_OUT,
    )
)
_CLOSE = encode_frame(Close())
_SHORTEST_IDLE_TIME_OUT = 1000
_STOPPING = "the server is stopping"


class Dialogue(Protocol):
    """What a device may say on its links, and what it is answered."""

    kind: str
    max_backlog: int

    @property
    def opening(self) -> bool: ...
    @property
    def open_questions(self) -> int: ...
    def consent(self, address: object, properties: Map | None) -> Error | None: ...
    def opened(self, answer: Answered) -> Liveness | None: ...
    def requested(self, links: Links, delivery: Delivery, message: Message) -> None: ...
    def answered(self, answer: Answered) -> None: ...


class AmqpSession:
    """A `Conversation` in AMQP. `certificate_chain` is what the client showed in the TLS handshake, unjudged."""

    def __init__(self, *, connect_timeout: float, certificate_chain: tuple[bytes, ...] = ()) -> None:
        self._certificate_chain = certificate_chain
        self._outbox = Outbox(MIN_MAX_FRAME_SIZE)
        self._reader = FrameReader(MAX_SASL_FRAME)
        self._liveness = Liveness(expires_in=connect_timeout, at_expiry="no proof in time")
        self._heartbeat = 0.0
        self._sasl: SaslLayer | None = None
        self._speaks_amqp = False
        self._opened = False
        self._links: Links | None = None
        self._dialogue: Dialogue | None = None
        self._draining = False

    @property
    def kind(self) -> str:
        """Who the device talks to: `dps`, or nobody yet; a label for metrics."""
        return self._dialogue.kind if self._dialogue else ""

    def receive(self, event: Event) -> list[Command]:
        """Take one event and return what to do, in order. After `CloseConnection` nothing more comes."""
        if self._outbox.closed:
            return []
        try:
            self._happened(event)
        except Violation as violation:
            self._end(violation.condition, str(violation))
        return self._outbox.drain()

    def _happened(self, event: Event) -> None:
        match event:
            case DataReceived():
                self._liveness.heard()
                self._reader.feed(event.data)
                self._take_all()
            case Answered():
                self._answered(event)
            case WakeupReached():
                self._woken()
            case ConnectionOpened():
                self._watch(self._liveness)
            case Displaced():
                self._end(conditions.CONNECTION_FORCED, "displaced by a newer connection of the device, or removed")
            case Draining():
                self._drain()
            case ConnectionClosed():
                self._outbox.abandon()

    # --- events -----------------------------------------------------------------------------------------------

    def _answered(self, answer: Answered) -> None:
        if self._dialogue is not None:
            self._answered_in_dialogue(self._dialogue, answer)
        elif self._sasl is not None and self._sasl.answered(answer):
            self._watch(liveness_of(self._sasl.passed.standing if self._sasl.passed else None))
        if self._draining and not self._open_questions():
            self._end(conditions.CONNECTION_FORCED, _STOPPING)
        self._take_all()

    def _answered_in_dialogue(self, dialogue: Dialogue, answer: Answered) -> None:
        """A link may ask for a judgement while answers to earlier requests are still to come."""
        liveness = dialogue.opened(answer)
        if liveness is None:
            return dialogue.answered(answer)
        self._watch(liveness)

    def _woken(self) -> None:
        reason = self._liveness.verdict()
        if reason:
            return self._end(conditions.CONNECTION_FORCED, reason)
        if self._liveness.must_speak():
            self._outbox.send_bytes(HEARTBEAT)
        self._watch(self._liveness)

    def _drain(self) -> None:
        """Take nothing new; end at once unless an answer is owed. A proof under way may be tried elsewhere."""
        self._draining = True
        if self._sasl is not None and self._sasl.asking:
            return self._sasl.postpone(_STOPPING)
        if not self._open_questions() or (self._dialogue is not None and self._dialogue.opening):
            self._end(conditions.CONNECTION_FORCED, _STOPPING)

    def _open_questions(self) -> int:
        return self._dialogue.open_questions if self._dialogue else 0

    # --- bytes ------------------------------------------------------------------------------------------------

    def _take_all(self) -> None:
        """Handle what has arrived, as far as it may be handled now; the rest waits, up to a limit.

        Raises:
            Violation: the peer broke the standard, or a limit.
        """
        while self._may_take() and self._take_one():
            pass
        if self._reader.buffered > self._max_backlog():
            raise Violation(conditions.RESOURCE_LIMIT_EXCEEDED, "sends faster than it is answered")

    def _max_backlog(self) -> int:
        if self._dialogue is None or self._dialogue.opening:
            return MAX_BACKLOG_BEFORE_PROOF
        return self._dialogue.max_backlog

    def _may_take(self) -> bool:
        if self._outbox.closed or self._draining:
            return False
        if self._dialogue is not None:
            return not self._dialogue.opening
        return self._sasl is None or not self._sasl.asking

    def _take_one(self) -> bool:
        """Take a header or a frame, whichever is due; whether there was one."""
        if self._sasl is not None and self._sasl.passed is None:
            return self._take_sasl_frame(self._sasl)
        if not self._speaks_amqp:
            return self._take_header()
        frame = self._reader.next_frame(FrameType.AMQP)
        if frame is not None:
            self._converse(frame)
        return frame is not None

    def _take_header(self) -> bool:
        """2.2: what we do not speak is answered with what we do, and the end of the connection."""
        header = self._reader.next_header()
        if header is None:
            return False
        if header == AMQP_HEADER:
            self._speaks_amqp = True
            self._reader.max_size = MAX_FRAME_SIZE
            self._outbox.send_bytes(AMQP_HEADER)
        elif header == SASL_HEADER and self._sasl is None:
            self._sasl = SaslLayer(self._outbox, self._certificate_chain)
            self._outbox.send_bytes(SASL_HEADER)
            self._sasl.begin()
        else:
            self._outbox.send_bytes(AMQP_HEADER if self._sasl else SASL_HEADER)
            self._outbox.close("a header of another protocol")
        return True

    def _take_sasl_frame(self, sasl: SaslLayer) -> bool:
        frame = self._reader.next_frame(FrameType.SASL)
        if frame is not None:
            sasl.take(frame.performative)
        return frame is not None

    # --- the connection ---------------------------------------------------------------------------------------

    def _converse(self, frame: Frame) -> None:
        """A frame of AMQP; an empty one has done its work by its arrival."""
        performative = frame.performative
        if isinstance(performative, Open):
            self._open(performative)
        elif performative is not None and not self._opened:
            raise Violation(conditions.ILLEGAL_STATE, "a frame before open")
        elif isinstance(performative, Close):
            self._outbox.send_bytes(_CLOSE)
            self._outbox.close("the client closed")
        elif isinstance(performative, Begin):
            self._begin(performative, frame.channel)
        elif performative is not None:
            self._converse_in_session(frame)

    def _open(self, client: Open) -> None:
        if self._opened:
            raise Violation(conditions.ILLEGAL_STATE, "a second open")
        if self._sasl is None and not self._certificate_chain:
            raise Violation(conditions.UNAUTHORIZED_ACCESS, "neither SASL nor a client certificate")
        idle_time_out = client.idle_time_out or 0
        if client.max_frame_size < MIN_MAX_FRAME_SIZE or 0 < idle_time_out < _SHORTEST_IDLE_TIME_OUT:
            raise Violation(conditions.NOT_ALLOWED, "frames or an idle time-out that are too short")
        self._outbox.max_frame_size = client.max_frame_size
        self._heartbeat = idle_time_out / 2 / _MILLISECONDS
        self._send_open()
        self._watch(self._liveness)

    def _send_open(self) -> None:
        self._opened = True
        self._outbox.send_bytes(_OPEN)

    def _end(self, condition: Symbol, reason: str) -> None:
        """Close with a reason, which takes an open first (2.4.6). SASL has no words for it."""
        if self._speaks_amqp:
            if not self._opened:
                self._send_open()
            self._outbox.send(Close(Error(condition, reason)))
        self._outbox.close(reason)

    def _watch(self, liveness: Liveness) -> None:
        self._liveness = liveness
        self._outbox.wake_in(liveness.say_every(self._heartbeat).next_wakeup())

    # --- the session ------------------------------------------------------------------------------------------

    def _begin(self, begin: Begin, channel: int) -> None:
        if channel > _CHANNEL_MAX:
            raise Violation(conditions.FRAMING_ERROR, f"a channel beyond {_CHANNEL_MAX}")
        if self._links is not None:
            raise Violation(conditions.NOT_ALLOWED, "a second session")
        self._links = Links(self._outbox, begin, channel)

    def _converse_in_session(self, frame: Frame) -> None:
        links, performative = self._links, frame.performative
        if links is None or frame.channel != links.channel:
            raise Violation(conditions.NOT_ALLOWED, "a frame outside of the session")
        match performative:
            case Attach():
                self._attach(links, performative)
            case Transfer():
                self._transferred(links, performative, frame.payload)
            case Flow():
                links.flowed(performative)
            case Disposition():
                links.disposed(performative)
            case Detach():
                links.detached(performative)
            case End():
                self._links = None
                links.end()

    def _attach(self, links: Links, attach: Attach) -> None:
        """The first link to name a registration decides whom this connection is about."""
        links.check(attach)
        terminus = attach.source if attach.role == RECEIVER else attach.target
        address = terminus.address if isinstance(terminus, Source | Target) else None
        self._dialogue = self._dialogue or self._dialogue_about(address)
        if self._dialogue is None:
            return links.refuse(attach, Error(conditions.NOT_FOUND, "no such address"))
        error = self._dialogue.consent(address, attach.properties)
        if error is not None:
            return links.refuse(attach, error)
        links.attach(attach)

    def _dialogue_about(self, address: object) -> Dialogue | None:
        """What SASL has proved counts; only a certificate has its registration from the link."""
        passed = self._sasl.passed if self._sasl else None
        if passed is not None and passed.address is not None and passed.standing is not None:
            return DpsDialogue(self._outbox, passed.address, passed.standing)
        named = registration_link.parse_address(address)
        if named is None:
            return None
        return DpsDialogue(self._outbox, named, PresentedCredential(certificate_chain=self._certificate_chain))

    def _transferred(self, links: Links, transfer: Transfer, payload: bytes) -> None:
        delivery = links.transferred(transfer, payload)
        if delivery is not None and self._dialogue is not None:
            self._dialogue.requested(links, delivery, decode_message(delivery.payload))
