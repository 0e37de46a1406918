"""An answer's bytes."""

from datetime import UTC, datetime, timedelta

from homeport import errors
from homeport.endpoints.http_answer import HttpAnswer, HttpDate, error_answer, render
from homeport.errors import HomeportError

MOMENT = datetime(2026, 11, 24, 6, 0, 0, 900_000, tzinfo=UTC)
DATE = b"Tue, 24 Nov 2026 06:00:00 GMT"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return MOMENT + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed


def test_render() -> None:
    answer = HttpAnswer(status=202, body=b"{}", request_id="id", headers=(("Retry-After", "3"),))
    assert render(answer, date=DATE, close=False) == (
        b"HTTP/1.1 202 Accepted\r\nDate: " + DATE + b"\r\nContent-Type: application/json; charset=utf-8\r\n"
        b"Content-Length: 2\r\nx-ms-request-id: id\r\n"
        b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\nRetry-After: 3\r\n\r\n{}"
    )


def test_render_the_last_answer_without_its_body() -> None:
    answer = HttpAnswer(status=405, body=b"{}", request_id="id")
    rendered = render(answer, date=DATE, close=True, head_only=True)
    assert rendered.endswith(b"\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 2\r\n" in rendered


def test_date_changes_with_the_second() -> None:
    clock = Clock()
    date = HttpDate(clock)
    seen = []
    for passed in (0.0, 0.05, 0.2, 1.0, 1.2, 60.0):
        clock.passed = passed
        seen.append(date.text().decode().split()[4])
    assert seen == ["06:00:00", "06:00:00", "06:00:01", "06:00:01", "06:00:02", "06:01:00"]


def test_facts_that_http_has_a_header_for_are_told_twice() -> None:
    info = {"upgrade": "websocket", "webSocketVersion": "13", "field": "x"}
    answer = error_answer(HomeportError(errors.UPGRADE_REQUIRED, info=info), request_id="id", now=MOMENT)
    assert answer.headers == (
        ("x-ms-error-code", "426001"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
    )
    assert b'"webSocketVersion":"13"' in answer.body


def test_error_answer_has_no_null_and_no_empty_header() -> None:
    answer = error_answer(HomeportError(errors.NOT_FOUND), request_id="id", now=MOMENT)
    assert (answer.status, answer.close) == (404, False)
    assert answer.headers == (("x-ms-error-code", "404000"),)
    assert b"null" not in answer.body
