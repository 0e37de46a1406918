"""The trail of a change."""

from tests.unit.administration.world import CountedRandomness, StillClock

from homeport.administration.trail import Deed, subject_changes
from homeport.model.identifiers import ServiceId, SubjectKey

SERVICE = ServiceId(7)


def test_audit_entry_and_event_tell_the_same() -> None:
    deed = Deed(service_id=SERVICE, kind="Done", actor="me", at=StillClock().now(), subject_key=SubjectKey("k"))
    audit, event = deed.audit().event, deed.event()
    assert (audit.kind, audit.actor, audit.subject_key) == (event.kind, event.actor, event.subject_key)
    assert audit.occurred_at == StillClock().now()


def test_a_subject_is_minted_once() -> None:
    known, none = subject_changes(SERVICE, "id", SubjectKey("known"), CountedRandomness())
    assert (known, none) == ("known", ())
    fresh, (change,) = subject_changes(SERVICE, "id", None, CountedRandomness())
    assert (change.subject_key, change.registration_id, change.service_id) == (fresh, "id", SERVICE)
