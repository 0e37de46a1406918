"""The trail of an administrator's change: its audit entry and its event.

Each verb reads once, decides, and writes once with the audit entry among the changes; `storage/settling.py` has it
decide again when a row changed in between. An entry speaks of a device by its subject key, never by its ID. Groups,
policies and hubs belong to nobody in particular: they are named.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from homeport.clock import Randomness
from homeport.model.events import AuditEvent, EntryChanged
from homeport.model.identifiers import ServiceId, SubjectKey, new_subject_key
from homeport.storage.changes import AppendAudit, PutSubject


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, when; `kind` names the event, `detail` holds facts that identify nobody."""

    service_id: ServiceId
    kind: str
    actor: str
    at: datetime
    subject_key: SubjectKey | None = None
    detail: Mapping[str, str | int | bool] = msgspec.field(default_factory=lambda: MappingProxyType({}))

    def audit(self) -> AppendAudit:
        """The audit entry, to be written with the change."""
        return AppendAudit(
            event=AuditEvent(
                service_id=self.service_id,
                occurred_at=self.at,
                kind=self.kind,
                actor=self.actor,
                subject_key=self.subject_key,
                detail=self.detail,
            )
        )

    def event(self) -> EntryChanged:
        """The same for log and metrics, once it is committed."""
        return EntryChanged(service_id=self.service_id, kind=self.kind, actor=self.actor, subject_key=self.subject_key)


def subject_changes(
    service_id: ServiceId, identifier: str, known: SubjectKey | None, randomness: Randomness
) -> tuple[SubjectKey, tuple[PutSubject, ...]]:
    """The subject key of a registration ID, and what must be written if it has none yet."""
    if known is not None:
        return known, ()
    fresh = new_subject_key(randomness)
    return fresh, (PutSubject(service_id=service_id, subject_key=fresh, registration_id=identifier),)
