"""What a device request means, and how it is answered; without a socket."""

import asyncio

import msgspec
import pytest
from tests.throttles import throttle
from tests.unit.endpoints.edge import OPERATION_ID, Failures, Hubs, Registrations, Reporter

from homeport import errors
from homeport.clock import SystemClock, SystemRandomness
from homeport.endpoints.device_answers import DeviceAnswers, DeviceHttpRequest
from homeport.endpoints.http_answer import HttpAnswer
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.throttling import ThrottleRates
from homeport.endpoints.token_buckets import Rate
from homeport.errors import HomeportError
from homeport.storage.port import StorageUnavailable

V = b"?api-version=2021-06-01"
REGISTER = b"/0ne1/registrations/Dev-1/register"
POLL = b"/0ne1/registrations/Dev-1/operations/" + OPERATION_ID.encode()
LOOK_UP = b"/0ne1/registrations/Dev-1"


class Desk:
    """The answers, and the services behind them."""

    def __init__(self, rates: ThrottleRates | None = None) -> None:
        self.registrations = Registrations()
        self.reporter = Reporter()
        self.failures = Failures()
        self.throttle = throttle(rates)
        self.answers = DeviceAnswers(
            EdgeServices(
                registrations=self.registrations,
                hubs=Hubs(),
                failures=self.failures,
                reporter=self.reporter,
                throttle=self.throttle,
                clock=SystemClock(),
                randomness=SystemRandomness(),
            )
        )

    def ask(self, method: bytes, target: bytes, body: bytes = b"", source: str = "", **headers: bytes) -> HttpAnswer:
        named = {name.encode(): value for name, value in headers.items()}
        request = DeviceHttpRequest(method=method, target=target + V, body=body, headers=named, source=source)
        return asyncio.run(self.answers.answer(request))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_register_is_accepted_with_a_place_to_ask_again(desk: Desk) -> None:
    answer = desk.ask(b"PUT", REGISTER, b'{"registrationId":"dev-1"}', host=b"dps.example:443", authorization=b"token")
    assert answer.status == 202
    assert dict(answer.headers) == {
        "Location": "https://dps.example:443/0ne1/registrations/Dev-1/register",
        "Retry-After": "3",
    }
    [call] = desk.registrations.calls
    assert (call["operation"], call["id_scope"], call["registration_id"]) == ("register", "0ne1", "Dev-1")
    assert (call["proof"].sas_token, call["payload"]) == ("token", None)
    assert len(desk.reporter.events) == 1


def test_register_is_202_even_when_all_is_done(desk: Desk) -> None:
    desk.registrations.retry_after = None
    answer = desk.ask(b"PUT", REGISTER)
    assert answer.status == 202
    assert dict(answer.headers) == {"Location": REGISTER.decode()}


@pytest.mark.parametrize(("retry_after", "status"), [(3, 202), (None, 200)])
def test_poll(desk: Desk, retry_after: int | None, status: int) -> None:
    desk.registrations.retry_after = retry_after
    answer = desk.ask(b"GET", POLL, b"{}")
    assert answer.status == status
    assert desk.registrations.calls[0]["operation_id"] == OPERATION_ID


def test_look_up_gives_the_bare_result(desk: Desk) -> None:
    answer = desk.ask(b"POST", LOOK_UP, b'{"registrationId":"DEV-1"}')
    assert (answer.status, answer.headers) == (200, ())
    assert msgspec.json.decode(answer.body) == {"registrationId": "Dev-1", "status": "assigned"}


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"payload":null}', None),
        (b'{"payload": {"a": [1, 2.50, "x"]}, "more": {"b": 1}}', b'{"a": [1, 2.50, "x"]}'),
        (b'{"payload":"text"}', b'"text"'),
        ('{"payload":"grün"}'.encode(), '"grün"'.encode()),
        (b'{"payload":0}', b"0"),
        (b'{"registrationId":null,"tpm":{"endorsementKey":"eA=="},"payload":false}', b"false"),
    ],
)
def test_payload_stays_as_the_device_wrote_it(desk: Desk, body: bytes, payload: bytes | None) -> None:
    assert desk.ask(b"PUT", REGISTER, body).status == 202
    assert desk.registrations.calls[0]["payload"] == payload


@pytest.mark.parametrize("target", [(b"PUT", REGISTER), (b"POST", LOOK_UP)])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{} {}", id="two"),
        pytest.param(b'{"registrationId":7}', id="wrong type"),
        pytest.param(b'{"registrationId":"dev-2"}', id="another device"),
        pytest.param(b'{"payload":"\xff"}', id="no UTF-8 where it stays raw"),
        pytest.param(b'{"payload":[1,]}', id="malformed payload"),
        pytest.param(b'{"payload":' + b"[" * 40_000 + b"]" * 40_000 + b"}", id="deep payload"),
        pytest.param(b'{"x":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}", id="deep unknown member"),
    ],
)
def test_bad_body(desk: Desk, target: tuple[bytes, bytes], body: bytes) -> None:
    answer = desk.ask(*target, body)
    assert answer.status == 400
    assert msgspec.json.decode(answer.body)["errorCode"] == errors.INVALID_BODY.code
    assert desk.registrations.calls == []
    assert desk.reporter.crashes == []
    assert not answer.close


@pytest.mark.parametrize(
    ("failure", "status", "headers"),
    [
        (HomeportError(errors.ATTESTATION_FAILED), 401, {"x-ms-error-code": "401002"}),
        (HomeportError(errors.THROTTLED, retry_after=5), 429, {"x-ms-error-code": "429001", "Retry-After": "5"}),
        (StorageUnavailable("disk"), 503, {"x-ms-error-code": "503001", "Retry-After": "5"}),
        (KeyError("secret"), 500, {"x-ms-error-code": "500001"}),
    ],
)
def test_refusals_of_the_service(desk: Desk, failure: Exception, status: int, headers: dict[str, str]) -> None:
    desk.registrations.refusal = failure
    answer = desk.ask(b"PUT", REGISTER)
    assert (answer.status, dict(answer.headers)) == (status, headers)
    assert msgspec.json.decode(answer.body)["trackingId"] == answer.request_id
    assert b"secret" not in answer.body
    assert desk.reporter.served == [("Register", status)]
    assert len(desk.reporter.crashes) == (status == 500)
    assert desk.reporter.events == []


def test_a_refusal_is_noted_for_the_operator(desk: Desk) -> None:
    refusal = desk.registrations.refusal = HomeportError(errors.ATTESTATION_FAILED, cause="wrong_key")
    desk.ask(b"PUT", REGISTER)
    assert desk.failures.noted == [("0ne1", "Dev-1", refusal)]


def test_what_is_no_question_of_a_device_is_not_noted(desk: Desk) -> None:
    assert desk.ask(b"GET", b"/elsewhere").status >= 400
    assert desk.failures.noted == []


def test_fault_of_the_reading_is_answered_and_ends_the_connection(desk: Desk) -> None:
    fault = HomeportError(errors.BODY_TOO_LARGE)
    answer = asyncio.run(desk.answers.answer(DeviceHttpRequest(fault=fault)))
    assert (answer.status, answer.close) == (413, True)
    assert desk.reporter.served == [("unrouted", 413)]


def test_an_address_pays_for_each_request() -> None:
    desk = Desk(ThrottleRates(requests_of_address=Rate(3, 60)))
    asked = ((b"PUT", REGISTER), (b"GET", POLL), (b"POST", LOOK_UP))
    assert [desk.ask(*each, source="192.0.2.1").status for each in asked] == [202, 202, 200]
    for each in asked:
        answer = desk.ask(*each, source="192.0.2.1")
        assert answer.status == 429
        assert dict(answer.headers)["x-ms-error-code"] == "429001"
        assert 20 <= int(dict(answer.headers)["Retry-After"]) <= 68
        assert not answer.close
    assert len(desk.registrations.calls) == 3
    assert desk.ask(b"PUT", REGISTER, source="192.0.2.2").status == 202


def test_a_service_at_its_limit_does_not_read_what_it_refuses() -> None:
    desk = Desk(ThrottleRates(registrations=Rate(1, 60)))
    desk.throttle.registration(id_scope="0NE1", registration_id="another", enrollment_group_id=None)
    assert desk.ask(b"PUT", REGISTER, b"{ not even JSON").status == 429
    assert desk.registrations.calls == []
    assert desk.ask(b"GET", POLL).status == 202
