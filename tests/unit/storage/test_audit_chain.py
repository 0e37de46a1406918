from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from tests.storage.material import NOW

from homeport.model.events import AuditEvent
from homeport.model.identifiers import ServiceId
from homeport.security import hash_chain
from homeport.storage.audit_chain import ChainHead, canonical


def event(detail: Any) -> AuditEvent:
    return AuditEvent(service_id=ServiceId(1), occurred_at=NOW, kind="K", actor="device", detail=detail)


def test_the_order_of_details_does_not_matter() -> None:
    assert canonical(event({"a": 1, "b": True})) == canonical(event(MappingProxyType({"b": True, "a": 1})))


def test_an_event_survives_its_bytes() -> None:
    original = event({"a": 1})
    assert msgspec.json.decode(canonical(original), type=AuditEvent) == original


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        canonical(event({"a": object()}))


def test_a_head_leads_to_the_next() -> None:
    first = ChainHead().next("w", b"{}")
    second = first.next("w", b"{}")
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.hash == hash_chain.link(hash_chain.START, "w", 1, b"{}")
    assert second.hash == hash_chain.link(first.hash, "w", 2, b"{}")
