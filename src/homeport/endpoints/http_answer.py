"""An HTTP answer as a value, and its bytes; the error shape that all HTTP of the server shares.

Counterparts: `device_http.py` writes answers to the socket, `web.py` hands the same headers to Starlette.
"""

import math
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus

import msgspec

from homeport import errors
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.model.attestation import TpmChallenge
from homeport.wire.error_body import error_body
from homeport.wire.tpm_challenge import challenge_body

JSON = "application/json; charset=utf-8"
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"

# Facts of an error's info that a header must tell too.
_TOLD_BY_HEADER = {"allow": "Allow", "upgrade": "Upgrade", "webSocketVersion": "Sec-WebSocket-Version"}
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` come beside those that every answer has; `close` ends the connection after it."""

    status: int
    body: bytes
    request_id: str
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False


class HttpDate:
    """The Date header's value (RFC 9110, section 6.6.1), made once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stale_at = -math.inf
        self._text = b""

    def text(self) -> bytes:
        """The date of now."""
        if self._clock.monotonic() >= self._stale_at:
            now = self._clock.now()
            self._stale_at = self._clock.monotonic() + 1 - now.microsecond / 1_000_000
            self._text = format_datetime(now, usegmt=True).encode()
        return self._text


def error_headers(error: HomeportError) -> tuple[tuple[str, str], ...]:
    """The headers that say the same as an error's body; `x-ms-request-id` stands on every answer."""
    headers = [("x-ms-error-code", str(error.row.code))]
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    headers += [(header, error.info[fact]) for fact, header in _TOLD_BY_HEADER.items() if fact in error.info]
    return tuple(headers)


def error_answer(error: HomeportError, *, request_id: str, now: datetime, close: bool = False) -> HttpAnswer:
    """The one shape of an error; `request_id` is its tracking ID."""
    return HttpAnswer(
        status=error.row.status,
        body=error_body(error, tracking_id=request_id, now=now),
        request_id=request_id,
        headers=error_headers(error),
        close=close,
    )


def challenge_answer(challenge: TpmChallenge, *, request_id: str, now: datetime) -> HttpAnswer:
    """The 401 that a TPM answers by registering again."""
    row = errors.TPM_CHALLENGE
    return HttpAnswer(
        status=row.status,
        body=challenge_body(challenge, tracking_id=request_id, now=now),
        request_id=request_id,
        headers=(("x-ms-error-code", str(row.code)),),
    )


def render(answer: HttpAnswer, *, date: bytes, close: bool, head_only: bool = False) -> bytes:
    """Head and body in one piece, so that they leave in one TLS record."""
    headers = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
    head = (
        f"Content-Type: {JSON}\r\nContent-Length: {len(answer.body)}\r\nx-ms-request-id: {answer.request_id}\r\n"
        f"Strict-Transport-Security: {STRICT_TRANSPORT_SECURITY}\r\n{headers}{'Connection: close' if close else ''}"
    )
    body = b"" if head_only else answer.body
    ending = b"\r\n\r\n" if close else b"\r\n"
    return b"".join((_STATUS_LINES[answer.status], b"Date: ", date, b"\r\n", head.encode("latin-1"), ending, body))
