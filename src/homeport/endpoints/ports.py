"""What the edge asks of the rooms behind it, and nothing more.

`provisioning/registration.py`, `hubs/embedded/` and `observability/reporter.py` fit these by their shape; the
edge's tests bring small ones of their own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from homeport.clock import Clock, Randomness
from homeport.endpoints.throttling import Throttle
from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, PresentedCredential, Proof, TpmChallenge
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import OperationId, RegistrationId
from homeport.model.registration import RegistrationOperation
from homeport.protocols.conversation import (
    DesiredPropertiesChanged,
    Displaced,
    HubQuestion,
    HubSession,
    Outcome,
)

HubListener = Callable[[DesiredPropertiesChanged | Displaced], None]


class Registrations(Protocol):
    """The device's story. Every method raises HomeportError to refuse, and returns what to report beside the value."""

    async def attest(
        self, *, id_scope: str, registration_id: RegistrationId, credential: PresentedCredential
    ) -> tuple[AttestedIdentity | TpmChallenge, Sequence[ServiceEvent]]: ...

    async def register(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof, payload: bytes | None
    ) -> tuple[RegistrationOperation | TpmChallenge, Sequence[ServiceEvent]]: ...

    async def operation_status(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof, operation_id: OperationId
    ) -> tuple[RegistrationOperation, Sequence[ServiceEvent]]: ...

    async def registration_status(
        self, *, id_scope: str, registration_id: RegistrationId, proof: Proof
    ) -> tuple[RegistrationOperation, Sequence[ServiceEvent]]: ...


class Hubs(Protocol):
    """The embedded hub's live sessions."""

    async def answer(self, question: HubQuestion) -> Outcome: ...

    def attach(self, session: HubSession, listener: HubListener) -> None: ...

    def detach(self, session: HubSession, listener: HubListener) -> None: ...


class Failures(Protocol):
    """Where the edge leaves why a device was refused, for the operator to ask."""

    def note(
        self,
        error: HomeportError,
        *,
        id_scope: str,
        registration_id: RegistrationId,
        transport: str,
        correlation_id: str,
    ) -> None: ...


class Reports(Protocol):
    """Where the edge tells what happened: log and metrics."""

    def report(self, events: Iterable[ServiceEvent], *, transport: str, correlation_id: str) -> None: ...

    def refused(self, error: HomeportError, *, operation: str, transport: str, correlation_id: str) -> None: ...

    def crashed(self, error: BaseException, *, operation: str, transport: str, correlation_id: str) -> None: ...

    def storage_failed(self, reason: str) -> None: ...

    def connection_opened(self, transport: str) -> None: ...

    def connection_closed(self, transport: str, reason: str) -> None: ...

    def handshake_put_off(self) -> None: ...

    def loop_lagged(self, seconds: float) -> None: ...

    def connections_waiting(self, number: int) -> None: ...

    def handshake_failed(self, reason: str, *, detail: str, network: str) -> None: ...

    def request_served(self, *, operation: str, status: int, seconds: float, transport: str) -> None: ...

    def metrics_page(self) -> bytes: ...


class EdgeServices(msgspec.Struct, frozen=True, kw_only=True):
    """All that a connection may turn to."""

    registrations: Registrations
    hubs: Hubs
    failures: Failures
    reporter: Reports
    throttle: Throttle
    clock: Clock
    randomness: Randomness
