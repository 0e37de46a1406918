"""Questions of a conversation, answered without a socket."""

import asyncio

import pytest
from tests.throttles import throttle
from tests.unit.endpoints.edge import OPERATION_ID, Failures, Hubs, Registrations, Reporter

from homeport import errors
from homeport.clock import SystemClock, SystemRandomness
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.questions import Questions, ServiceQuestion
from homeport.endpoints.throttling import ThrottleRates
from homeport.endpoints.token_buckets import Rate
from homeport.errors import HomeportError
from homeport.model.attestation import PresentedCredential
from homeport.model.identifiers import RegistrationId
from homeport.protocols.conversation import (
    Attest,
    GetOperationStatus,
    GetRegistrationStatus,
    GetTwin,
    HubQuestion,
    HubSession,
    PatchReportedProperties,
    Refusal,
    Refuse,
    Register,
    Transport,
)

DEVICE = RegistrationId("dev-1")
TOKEN = PresentedCredential(sas_token="token")
SESSION = HubSession(hub_host_name="hub", device_id="dev-1", expires_in=None)


class Desk:
    """The questions' answerer, and the services behind it."""

    def __init__(self, rates: ThrottleRates | None = None) -> None:
        self.registrations, self.hubs, self.reporter = Registrations(), Hubs(), Reporter()
        self.failures = Failures()
        self.questions = Questions(
            EdgeServices(
                registrations=self.registrations,
                hubs=self.hubs,
                failures=self.failures,
                reporter=self.reporter,
                throttle=throttle(rates),
                clock=SystemClock(),
                randomness=SystemRandomness(),
            ),
            Transport.MQTT,
        )


@pytest.mark.parametrize(
    ("question", "method", "status"),
    [
        (Attest(id_scope="s", registration_id=DEVICE, credential=TOKEN), "attest", 200),
        (Register(id_scope="s", registration_id=DEVICE, proof=TOKEN), "register", 202),
        (
            GetOperationStatus(id_scope="s", registration_id=DEVICE, proof=TOKEN, operation_id=OPERATION_ID),
            "operation_status",
            202,
        ),
        (GetRegistrationStatus(id_scope="s", registration_id=DEVICE, proof=TOKEN), "registration_status", 200),
    ],
)
def test_each_service_question_reaches_its_method(question: ServiceQuestion, method: str, status: int) -> None:
    desk = Desk()
    asyncio.run(desk.questions.answer(question))
    [call] = desk.registrations.calls
    assert (call["operation"], call["id_scope"], call["registration_id"]) == (method, "s", DEVICE)
    assert call["proof"] is TOKEN
    assert desk.reporter.served == [(type(question).__name__, status)]


@pytest.mark.parametrize(
    ("question", "operation"),
    [
        (GetTwin(session=SESSION), "GetTwin"),
        (PatchReportedProperties(session=SESSION, patch=b"{}"), "PatchReportedProperties"),
    ],
)
def test_hub_questions_reach_the_hub(question: HubQuestion, operation: str) -> None:
    desk = Desk()
    asyncio.run(desk.questions.answer(question))
    assert desk.hubs.questions == [question]
    assert desk.reporter.served == [(operation, 200)]


def test_failure_is_a_refusal() -> None:
    desk = Desk()
    desk.registrations.refusal = HomeportError(errors.ENROLLMENT_DISABLED)
    outcome = asyncio.run(desk.questions.answer(Register(id_scope="s", registration_id=DEVICE, proof=TOKEN)))
    assert isinstance(outcome, Refusal)
    assert (outcome.status, outcome.code) == (401, 401003)
    assert desk.reporter.served == [("Register", 401)]


@pytest.mark.parametrize(
    "question",
    [
        Attest(id_scope="s", registration_id=DEVICE, credential=TOKEN),
        Register(id_scope="s", registration_id=DEVICE, proof=TOKEN),
    ],
)
def test_a_devices_refusal_is_noted_for_the_operator(question: ServiceQuestion) -> None:
    desk = Desk()
    refusal = desk.registrations.refusal = HomeportError(errors.ATTESTATION_FAILED, cause="wrong_key")
    asyncio.run(desk.questions.answer(question))
    assert desk.failures.noted == [("s", DEVICE, refusal)]


def test_protocol_may_refuse_by_itself() -> None:
    desk = Desk()
    error = HomeportError(errors.INVALID_API_VERSION)
    refusal = desk.questions.refuse(Refuse(error))
    assert (refusal.status, refusal.code) == (400, 400005)
    assert desk.reporter.refusals == [error]


def test_an_address_pays_for_what_it_asks_and_not_for_its_connect() -> None:
    desk = Desk(ThrottleRates(requests_of_address=Rate(2, 60)))
    register = Register(id_scope="s", registration_id=DEVICE, proof=TOKEN)
    poll = GetOperationStatus(id_scope="s", registration_id=DEVICE, proof=TOKEN, operation_id=OPERATION_ID)
    connect = Attest(id_scope="s", registration_id=DEVICE, credential=TOKEN)

    async def ask() -> None:
        for question in (connect, connect, connect, register, poll):
            assert not isinstance(await desk.questions.answer(question, "192.0.2.1"), Refusal)
        for question in (register, poll):
            refusal = await desk.questions.answer(question, "192.0.2.1")
            assert isinstance(refusal, Refusal)
            assert (refusal.status, refusal.code) == (429, 429001)
            assert 30 <= (refusal.retry_after or 0) <= 68
        assert not isinstance(await desk.questions.answer(register, "192.0.2.2"), Refusal)

    asyncio.run(ask())
    assert [call["operation"] for call in desk.registrations.calls] == ["attest"] * 3 + [
        "register",
        "operation_status",
        "register",
    ]
    assert {error.cause for error in desk.reporter.refusals} == {"requests_of_address"}
