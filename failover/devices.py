"""Devices that behave: each follows the retry rule of one SDK, and notes what it was told and what went wrong."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bench.storm.clients import ApplicationLoop, RetryRule, Transport

from failover.conversations import Answer, Conversation, CutOff, Service
from failover.https_conversation import HttpsConversation
from failover.mqtt_conversation import MqttConversation

_LOOP = ApplicationLoop()
_PATIENCE = 60.0
"""Seconds without an answer after which any device gives up, also one whose SDK would wait for ever."""
_THROTTLED = 429

_OPEN: Mapping[Transport, Callable[[Service, str, str], Awaitable[Conversation]]] = MappingProxyType(
    {"https": HttpsConversation.open, "mqtt": MqttConversation.open}
)


@dataclass(frozen=True)
class Assignment:
    """What a device was told in the end."""

    operation_id: str
    hub: str
    device_id: str


@dataclass(frozen=True)
class Trouble:
    """An answer that was none: when (monotonic), and which."""

    at: float
    what: str


class _Refused(Exception):
    """The service answered what no fault of a machine explains; the text is the answer."""


class _GaveUp(Exception):
    """The SDK leaves the rest to the application around it."""


@dataclass(kw_only=True)
class Device:
    """One device. Times are monotonic."""

    registration_id: str
    token: str = field(repr=False)
    rule: RetryRule
    rng: random.Random = field(repr=False)
    arrived_at: float = field(default_factory=time.monotonic)
    operation_id: str | None = None
    accepted_at: list[float] = field(default_factory=list)
    """When a registration of this device was accepted; more than once if it had to begin again."""
    assignment: Assignment | None = None
    assigned_at: float | None = None
    refusal: str | None = None
    """An answer after which it did not ask again."""
    troubles: list[Trouble] = field(default_factory=list)

    async def provision(self, service: Service) -> None:
        """Begin again until the device is assigned, or refused for good."""
        failures = 0
        while self.assignment is None:
            try:
                await self._attempt(service)
            except CutOff as cut:
                self._note(str(cut))
            except TimeoutError:
                self._note("no answer")
            except _Refused as refusal:
                self.refusal = str(refusal)
                return
            except _GaveUp:
                pass
            else:
                return
            failures += 1
            await asyncio.sleep(_LOOP.delay(failures, self.rng))

    async def _attempt(self, service: Service) -> None:
        async with asyncio.timeout(_PATIENCE):
            conversation = await _OPEN[self.rule.transport](service, self.registration_id, self.token)
        try:
            await self._converse(conversation)
        finally:
            conversation.close()

    async def _converse(self, conversation: Conversation) -> None:
        answer = await self._answered(conversation.register, resends=self.rule.resends_register)
        operation_id = self.operation_id = str(answer.body["operationId"])
        self.accepted_at.append(time.monotonic())
        pause = self.rule.poll_delay(answer.retry_after, self.rng)
        while answer.body["status"] == "assigning":
            await asyncio.sleep(pause)
            answer = await self._answered(lambda: conversation.ask(operation_id), resends=self.rule.resends_poll)
            pause = self.rule.delay(answer.retry_after, self.rng)
        self._take(answer)

    async def _answered(self, ask: Callable[[], Awaitable[Answer]], *, resends: bool) -> Answer:
        """The answer, asked for again after a fault of the service as often as the SDK does.

        Raises:
            _Refused, CutOff, TimeoutError, _GaveUp: there is none.
        """
        while True:
            async with asyncio.timeout(self.rule.request_timeout or _PATIENCE):
                answer = await ask()
            if answer.status < 300:
                return answer
            if answer.status < _THROTTLED:
                raise _Refused(str(answer))
            self._note(f"{answer.status}" + ("" if answer.retry_after is not None else " without Retry-After"))
            if not resends:
                raise _GaveUp
            await asyncio.sleep(self.rule.delay(answer.retry_after, self.rng))

    def _take(self, answer: Answer) -> None:
        state = answer.body.get("registrationState") or {}
        if answer.body["status"] != "assigned":
            raise _Refused(str(answer))
        self.assigned_at = time.monotonic()
        self.assignment = Assignment(str(answer.body["operationId"]), state["assignedHub"], state["deviceId"])

    def _note(self, what: str) -> None:
        self.troubles.append(Trouble(time.monotonic(), what))
