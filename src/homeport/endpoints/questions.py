"""Puts a conversation's questions to the services, and brings back outcomes; never an exception.

A HomeportError becomes a Refusal with the one error body, anything else is reported with its traceback and
leaves as `errors.INTERNAL`. Knows no socket; counterpart: `streams.py`.
"""

from collections.abc import Sequence
from typing import assert_never

from homeport.endpoints.failures import catalogued
from homeport.endpoints.ports import EdgeServices
from homeport.errors import HomeportError
from homeport.model.attestation import AttestedIdentity, TpmChallenge
from homeport.model.events import ServiceEvent
from homeport.model.registration import RegistrationOperation
from homeport.protocols.conversation import (
    Attest,
    GetOperationStatus,
    GetRegistrationStatus,
    HubQuestion,
    Outcome,
    Refusal,
    Refuse,
    Register,
    Transport,
)
from homeport.wire.error_body import error_body

PROTOCOL = "Protocol"
"""The operation that log and metrics name where it was no question's."""

ServiceQuestion = Attest | Register | GetOperationStatus | GetRegistrationStatus


class Questions:
    """The services behind all connections of one transport."""

    def __init__(self, services: EdgeServices, transport: Transport) -> None:
        self._services = services
        self._transport = transport

    async def answer(self, question: ServiceQuestion | HubQuestion, source: str | bytes = "") -> Outcome:
        """The outcome of one question; `source` is what is counted of the peer's address."""
        services = self._services
        started = services.clock.monotonic()
        correlation_id = services.randomness.guid()
        operation = type(question).__name__
        outcome: Outcome
        try:
            if isinstance(question, ServiceQuestion):
                self._throttle(question, source)
                outcome, events = await self._ask_service(question)
                services.reporter.report(events, transport=self._transport, correlation_id=correlation_id)
            else:
                outcome = await services.hubs.answer(question)
        except Exception as error:
            outcome = self._refusal(error, operation, correlation_id)
            if isinstance(error, HomeportError) and isinstance(question, ServiceQuestion):
                self._note(error, question, correlation_id)
        services.reporter.request_served(
            operation=operation,
            status=_status(outcome),
            seconds=services.clock.monotonic() - started,
            transport=self._transport,
        )
        return outcome

    def refuse(self, question: Refuse) -> Refusal:
        """The outcome of an error that the protocol found by itself."""
        return self._refusal(question.error, PROTOCOL, self._services.randomness.guid())

    def crashed(self, error: Exception) -> None:
        """The protocol itself failed; its connection cannot go on."""
        self._services.reporter.crashed(
            error,
            operation=PROTOCOL,
            transport=self._transport,
            correlation_id=self._services.randomness.guid(),
        )

    def _throttle(self, question: ServiceQuestion, source: str | bytes) -> None:
        """Before the service is troubled. Not at `Attest`: a refused CONNECT could not say when to come back, and what
        it costs, the handshakes' limits bound."""
        if isinstance(question, Register):
            self._services.throttle.asked_to_register(source, question.id_scope)
        elif not isinstance(question, Attest):
            self._services.throttle.asked(source)

    async def _ask_service(
        self, question: ServiceQuestion
    ) -> tuple[AttestedIdentity | TpmChallenge | RegistrationOperation, Sequence[ServiceEvent]]:
        registrations = self._services.registrations
        id_scope, registration_id = question.id_scope, question.registration_id
        match question:
            case Attest(credential=credential):
                return await registrations.attest(
                    id_scope=id_scope, registration_id=registration_id, credential=credential
                )
            case Register(proof=proof, payload=payload):
                return await registrations.register(
                    id_scope=id_scope, registration_id=registration_id, proof=proof, payload=payload
                )
            case GetOperationStatus(proof=proof, operation_id=operation_id):
                return await registrations.operation_status(
                    id_scope=id_scope, registration_id=registration_id, proof=proof, operation_id=operation_id
                )
            case GetRegistrationStatus(proof=proof):
                return await registrations.registration_status(
                    id_scope=id_scope, registration_id=registration_id, proof=proof
                )
        assert_never(question)

    def _note(self, error: HomeportError, question: ServiceQuestion, correlation_id: str) -> None:
        self._services.failures.note(
            error,
            id_scope=question.id_scope,
            registration_id=question.registration_id,
            transport=self._transport,
            correlation_id=correlation_id,
        )

    def _refusal(self, failure: Exception, operation: str, correlation_id: str) -> Refusal:
        error = catalogued(
            failure,
            self._services.reporter,
            operation=operation,
            transport=self._transport,
            correlation_id=correlation_id,
        )
        return Refusal(
            status=error.row.status,
            code=error.row.code,
            body=error_body(error, tracking_id=correlation_id, now=self._services.clock.now()),
            retry_after=error.retry_after,
        )


def _status(outcome: Outcome) -> int:
    """What the outcome would be called over HTTP; the metrics of all transports share this label."""
    if isinstance(outcome, Refusal):
        return outcome.status
    if isinstance(outcome, RegistrationOperation) and outcome.retry_after is not None:
        return 202
    return 200
