"""The one shape of an error."""

from datetime import UTC, datetime

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.wire.error_body import error_body

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_every_row_has_this_shape() -> None:
    for row in errors.catalogue():
        body = msgspec.json.decode(error_body(HomeportError(row, "Detail."), tracking_id="t", now=NOW))
        assert body == {
            "errorCode": row.code,
            "trackingId": "t",
            "message": f"{row.message} Detail.",
            "timestampUtc": "2030-01-02T03:04:05Z",
        }


def test_facts_are_added_when_there_are_any() -> None:
    error = HomeportError(errors.INVALID_BODY, info={"path": "$.a"})
    assert msgspec.json.decode(error_body(error, tracking_id="t", now=NOW))["info"] == {"path": "$.a"}
