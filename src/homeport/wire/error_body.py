"""The body of every error, on every transport.

REST: ProvisioningServiceErrorDetails. The tracking ID joins the answer to the log line; it is also the
`x-ms-request-id` header of HTTP.
"""

from datetime import datetime

import msgspec

from homeport.errors import HomeportError


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """REST: ProvisioningServiceErrorDetails; never a null."""

    error_code: int
    tracking_id: str
    message: str
    timestamp_utc: datetime
    info: dict[str, str] | None = None


def error_body(error: HomeportError, *, tracking_id: str, now: datetime) -> bytes:
    """The JSON of an error, UTF-8."""
    return msgspec.json.encode(
        ErrorBody(
            error_code=error.row.code,
            tracking_id=tracking_id,
            message=error.message,
            timestamp_utc=now,
            info=dict(error.info) or None,
        )
    )
