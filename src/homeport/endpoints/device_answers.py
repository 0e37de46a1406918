"""One device request in, one HTTP answer out.

Reads path, headers and body into what the registration service asks for, and renders what it says: `register`
always answers 202, since shipped clients refuse a direct 200 (device-protocol notes, section A). Every error,
expected or not, leaves as the one error shape. Knows no socket; counterpart: `device_http.py`.
"""

from collections.abc import Sequence

import msgspec

from homeport import errors
from homeport.endpoints.device_routes import DeviceOperation, DeviceTarget, parse_target
from homeport.endpoints.failures import catalogued
from homeport.endpoints.http_answer import HttpAnswer, challenge_answer, error_answer
from homeport.endpoints.ports import EdgeServices
from homeport.errors import HomeportError
from homeport.model.attestation import PresentedCredential, TpmChallenge
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import OperationId
from homeport.model.registration import RegistrationOperation
from homeport.protocols.conversation import Transport
from homeport.wire.device_registration import EMPTY_REGISTRATION, RegistrationRequest, read_registration

_TRANSPORT = Transport.HTTPS
_UNROUTED = "unrouted"
_ENCODE = msgspec.json.Encoder().encode


class DeviceHttpRequest(msgspec.Struct, kw_only=True):
    """A complete request. `headers` holds those that `device_http.py` keeps, by their lower-case names.

    `source` is what is counted of the peer's address. `fault` is an error found while reading; then the rest may be
    missing.
    """

    method: bytes = b""
    target: bytes = b""
    headers: dict[bytes, bytes] = msgspec.field(default_factory=dict)
    body: bytes = b""
    certificate_chain: tuple[bytes, ...] = ()
    source: str | bytes = ""
    last: bool = False
    fault: HomeportError | None = None


class DeviceAnswers:
    """Answers device requests by the registration service."""

    def __init__(self, services: EdgeServices) -> None:
        self._services = services

    async def answer(self, request: DeviceHttpRequest) -> HttpAnswer:
        """The answer to one request; never raises."""
        services = self._services
        started = services.clock.monotonic()
        correlation_id = services.randomness.guid()
        operation, target = _UNROUTED, None
        try:
            target = _route(request)
            operation = target.operation.value
            outcome, events = await self._ask(target, request)
            services.reporter.report(events, transport=_TRANSPORT, correlation_id=correlation_id)
            answer = self._answer(target, outcome, request, correlation_id)
        except Exception as error:
            refusal = catalogued(
                error, services.reporter, operation=operation, transport=_TRANSPORT, correlation_id=correlation_id
            )
            if target is not None:
                self._note(refusal, target, correlation_id)
            answer = self._error(refusal, correlation_id, request)
        services.reporter.request_served(
            operation=operation,
            status=answer.status,
            seconds=services.clock.monotonic() - started,
            transport=_TRANSPORT,
        )
        return answer

    async def _ask(
        self, target: DeviceTarget, request: DeviceHttpRequest
    ) -> tuple[RegistrationOperation | TpmChallenge, Sequence[ServiceEvent]]:
        registrations, throttle = self._services.registrations, self._services.throttle
        id_scope, registration_id = target.id_scope, target.registration_id
        if target.operation is DeviceOperation.REGISTER:
            throttle.asked_to_register(request.source, id_scope)
            said = read_registration(request.body, registration_id)
            return await registrations.register(
                id_scope=id_scope,
                registration_id=registration_id,
                proof=_credential(request, said),
                payload=said.payload,
            )
        throttle.asked(request.source)
        proof = _credential(request)
        if target.operation is DeviceOperation.OPERATION_STATUS:
            operation_id = target.operation_id or OperationId("")
            return await registrations.operation_status(
                id_scope=id_scope, registration_id=registration_id, proof=proof, operation_id=operation_id
            )
        read_registration(request.body, registration_id)
        return await registrations.registration_status(id_scope=id_scope, registration_id=registration_id, proof=proof)

    def _answer(
        self,
        target: DeviceTarget,
        outcome: RegistrationOperation | TpmChallenge,
        request: DeviceHttpRequest,
        correlation_id: str,
    ) -> HttpAnswer:
        if isinstance(outcome, TpmChallenge):
            return challenge_answer(outcome, request_id=correlation_id, now=self._services.clock.now())
        return _success(target, outcome, request, correlation_id)

    def _note(self, error: HomeportError, target: DeviceTarget, correlation_id: str) -> None:
        self._services.failures.note(
            error,
            id_scope=target.id_scope,
            registration_id=target.registration_id,
            transport=_TRANSPORT,
            correlation_id=correlation_id,
        )

    def _error(self, error: HomeportError, correlation_id: str, request: DeviceHttpRequest) -> HttpAnswer:
        now = self._services.clock.now()
        close = request.fault is not None or error.row is errors.MISDIRECTED
        return error_answer(error, request_id=correlation_id, now=now, close=close)


def _route(request: DeviceHttpRequest) -> DeviceTarget:
    if request.fault is not None:
        raise request.fault
    return parse_target(request.method, request.target)


def _credential(request: DeviceHttpRequest, said: RegistrationRequest = EMPTY_REGISTRATION) -> PresentedCredential:
    token = request.headers.get(b"authorization")
    return PresentedCredential(
        sas_token=None if token is None else token.decode("latin-1"),
        certificate_chain=request.certificate_chain,
        endorsement_key=said.endorsement_key,
        storage_root_key=said.storage_root_key,
    )


def _success(
    target: DeviceTarget, outcome: RegistrationOperation, request: DeviceHttpRequest, request_id: str
) -> HttpAnswer:
    pending = target.operation is DeviceOperation.REGISTER or outcome.retry_after is not None
    headers: tuple[tuple[str, str], ...] = ()
    if pending:
        headers = (("Location", _location(request)),)
    if outcome.retry_after is not None:
        headers = (*headers, ("Retry-After", str(outcome.retry_after)))
    status = 202 if pending else 200
    return HttpAnswer(status=status, body=_ENCODE(outcome.body), request_id=request_id, headers=headers)


def _location(request: DeviceHttpRequest) -> str:
    path = request.target.partition(b"?")[0].decode("latin-1")
    host = request.headers.get(b"host")
    return path if not host else f"https://{host.decode('latin-1')}{path}"
