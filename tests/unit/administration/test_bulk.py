"""Bulk: in order, each on its own, errors and events gathered."""

import asyncio
from functools import partial

import pytest

from homeport import errors
from homeport.administration.bulk import run_bulk
from homeport.errors import HomeportError
from homeport.model.bulk import BulkOperationError
from homeport.model.events import EntryChanged, ServiceEvent
from homeport.model.identifiers import ServiceId

EVENT = EntryChanged(service_id=ServiceId(1), kind="Done", actor="me")


def refusal(identifier: str, error: HomeportError) -> BulkOperationError:
    return BulkOperationError(registration_id=identifier, error_code=error.row.code, error_status=error.message)


async def succeed(seen: list[str], name: str) -> tuple[None, tuple[ServiceEvent, ...]]:
    seen.append(name)
    return None, (EVENT,)


async def refuse() -> tuple[None, tuple[ServiceEvent, ...]]:
    raise HomeportError(errors.ETAG_MISMATCH)


async def crash() -> tuple[None, tuple[ServiceEvent, ...]]:
    raise ZeroDivisionError


def test_a_refusal_stops_nothing() -> None:
    seen: list[str] = []
    steps = [("a", partial(succeed, seen, "a")), ("b", refuse), ("c", partial(succeed, seen, "c"))]
    result, events = asyncio.run(run_bulk(steps, refusal=refusal))
    assert seen == ["a", "c"]
    assert list(events) == [EVENT, EVENT]
    assert not result.is_successful
    assert [(error.registration_id, error.error_code) for error in result.errors] == [("b", 412201)]


def test_what_is_no_refusal_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_bulk([("a", crash)], refusal=refusal))
