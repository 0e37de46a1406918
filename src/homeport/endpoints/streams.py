"""The one pump: bytes of a socket into a conversation, what it commands out of it.

A conversation (`protocols/conversation.py`) never waits and knows no clock; the pump feeds it, sends its data
in one piece per event, arms its wake-up and brings its questions to the services. It begins with
`ConnectionOpened`, so that a protocol can bound the time until the first byte. Counterpart: `questions.py`.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from homeport.endpoints.connections import OpenConnections, source_of
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.questions import Questions, ServiceQuestion
from homeport.endpoints.tasks import spawn
from homeport.protocols.conversation import (
    Answered,
    CloseConnection,
    Command,
    ConnectionClosed,
    ConnectionOpened,
    Conversation,
    DataReceived,
    DesiredPropertiesChanged,
    Displaced,
    Draining,
    Event,
    HubQuestion,
    HubSession,
    Refuse,
    RequestWakeup,
    SendData,
    Transport,
    WakeupReached,
)

ConversationFactory = Callable[[tuple[bytes, ...]], Conversation]
"""Makes the conversation of a new connection from the peer's certificate chain (DER, leaf first)."""

_MAX_WAITING = 32
_MAX_UNSENT = 1024 * 1024
# Timers may fire a little early, by the resolution of the loop's clock.
_EARLY = 0.001


class Streams:
    """What all connections of one stream transport share."""

    def __init__(
        self,
        conversation: ConversationFactory,
        services: EdgeServices,
        *,
        transport: Transport,
        connections: OpenConnections,
    ) -> None:
        self.conversation = conversation
        self.questions = Questions(services, transport)
        self.throttle = services.throttle
        self.hubs = services.hubs
        self.reporter = services.reporter
        self.transport = transport
        self.connections = connections

    def connection(self) -> "StreamConnection":
        """A protocol for one connection."""
        return StreamConnection(self)


class StreamConnection(asyncio.Protocol):
    """One connection's pump."""

    __slots__ = (
        "_answering",
        "_conversation",
        "_lost",
        "_reason",
        "_session",
        "_source",
        "_streams",
        "_timer",
        "_transport",
        "_waiting",
        "_wakeup_at",
        "_write_paused",
    )

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._waiting: list[ServiceQuestion | HubQuestion] = []
        self._answering = False
        self._session: HubSession | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wakeup_at: float | None = None
        self._write_paused = False
        self._lost = False
        self._reason = ""

    # --- from the transport -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        chain: tuple[bytes, ...] = transport.get_extra_info("client_chain") or ()
        self._conversation = self._streams.conversation(chain)
        self._source = source_of(transport, self._streams.throttle)
        self._streams.reporter.connection_opened(self._streams.transport)
        self._happened(ConnectionOpened())

    def data_received(self, data: bytes) -> None:
        self._happened(DataReceived(data))

    def pause_writing(self) -> None:
        self._write_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._balance()

    def connection_lost(self, exc: Exception | None) -> None:
        self._happened(ConnectionClosed())
        self._lost = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        streams = self._streams
        if self._session is not None:
            streams.hubs.detach(self._session, self._pushed)
        streams.connections.discard(self)
        streams.reporter.connection_closed(streams.transport, self._reason or "peer")

    def fail(self, reason: str) -> None:
        """What carries the stream is broken, and will be lost; `reason` is for the log."""
        self._reason = self._reason or reason

    # --- the conversation -------------------------------------------------------------------------------------

    def _happened(self, event: Event) -> None:
        """Tell the conversation, and do what it says."""
        if self._lost:
            return
        output: list[bytes] = []
        events: list[Event] = [event]
        try:
            while events:
                for command in self._conversation.receive(events.pop(0)):
                    self._obey(command, output, events)
        except Exception as error:
            # The conversation is in no known state: nothing more is asked of it, not even to close.
            self._lost = True
            self._streams.questions.crashed(error)
            self.abort()
        if output:
            self._send(b"".join(output))
        if self._reason:
            self._transport.close()

    def _obey(self, command: Command, output: list[bytes], events: list[Event]) -> None:
        if isinstance(command, SendData):
            output.append(command.data)
        elif isinstance(command, RequestWakeup):
            self._request_wakeup(command.seconds)
        elif isinstance(command, CloseConnection):
            self._reason = command.reason
        elif isinstance(command, Refuse):
            events.append(Answered(command, self._streams.questions.refuse(command)))
        else:
            self._ask(command)

    def _send(self, data: bytes) -> None:
        self._transport.write(data)
        # What a hub pushes is not held back by reading less from the device.
        if self._write_paused and self._transport.get_write_buffer_size() > _MAX_UNSENT:
            self.abort()

    # --- questions --------------------------------------------------------------------------------------------

    def _ask(self, question: ServiceQuestion | HubQuestion) -> None:
        self._waiting.append(question)
        if len(self._waiting) > _MAX_WAITING:
            self._transport.pause_reading()
        if not self._answering:
            self._answering = True
            spawn(self._answer_all())

    async def _answer_all(self) -> None:
        """One after the other: a device's messages and patches take effect in the order in which it sent them."""
        while self._waiting:
            question = self._waiting.pop(0)
            outcome = await self._streams.questions.answer(question, self._source)
            if self._lost:
                return
            if isinstance(outcome, HubSession):
                self._session = outcome
                self._streams.hubs.attach(outcome, self._pushed)
            self._happened(Answered(question, outcome))
            self._balance()
        self._answering = False

    def _pushed(self, event: DesiredPropertiesChanged | Displaced) -> None:
        """The hub has something for the device."""
        self._happened(event)

    def _balance(self) -> None:
        """Read on once the peer reads too and few questions wait."""
        if not self._write_paused and len(self._waiting) <= _MAX_WAITING // 2:
            self._transport.resume_reading()

    # --- wake-ups ---------------------------------------------------------------------------------------------

    def _request_wakeup(self, seconds: float | None) -> None:
        """A wake-up that moves away, as with each packet of a kept-alive session, does not touch the timer."""
        loop = asyncio.get_running_loop()
        self._wakeup_at = None if seconds is None else loop.time() + seconds
        if self._wakeup_at is None or (self._timer is not None and self._timer.when() <= self._wakeup_at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._wakeup_at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        due = self._wakeup_at
        if due is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() + _EARLY < due:
            self._timer = loop.call_at(due, self._wake)
        else:
            self._wakeup_at = None
            self._happened(WakeupReached())

    # --- ends -------------------------------------------------------------------------------------------------

    def wind_down(self) -> None:
        """A device that talks to its hub does so until it is told to come again; one that registers is soon done."""
        if self._session is not None:
            self.drain()

    def drain(self) -> None:
        """Have the conversation come to its end."""
        self._happened(Draining())

    def abort(self) -> None:
        self._reason = "aborted"
        self._transport.abort()
