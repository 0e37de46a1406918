"""The trail of a change, and writing in the face of others."""

import asyncio

import pytest
from tests.unit.administration.world import CountedRandomness, StillClock, refused

from homeport import errors
from homeport.administration.trail import Deed, settled, subject_changes
from homeport.model.identifiers import ServiceId, SubjectKey
from homeport.storage.changes import ChangedMeanwhile

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


@pytest.mark.parametrize("failures", [0, 1, 4])
def test_a_lost_race_is_run_again(failures: int) -> None:
    left = [ChangedMeanwhile()] * failures

    async def attempt() -> str:
        if left:
            raise left.pop()
        return "done"

    assert asyncio.run(settled(attempt)) == "done"


def test_races_lost_for_ever_are_unavailable() -> None:
    async def attempt() -> None:
        raise ChangedMeanwhile

    with refused(errors.UNAVAILABLE) as caught:
        asyncio.run(settled(attempt))
    assert caught.value.retry_after == 1
