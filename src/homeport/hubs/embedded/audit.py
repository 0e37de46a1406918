"""What an operator did at an embedded hub, for the audit log and for the reporter.

An entry speaks of a device by its subject key, never by its ID.
"""

from collections.abc import Sequence

from homeport.clock import Clock
from homeport.model.events import AuditEvent, EntryChanged, ServiceEvent
from homeport.model.hub_device import HubDevice
from homeport.storage.changes import AppendAudit


def audited(device: HubDevice, *, kind: str, actor: str, clock: Clock) -> tuple[AppendAudit, Sequence[ServiceEvent]]:
    """The entry to write with the change, and the events to report once it is committed."""
    entry = AuditEvent(
        service_id=device.service_id,
        occurred_at=clock.now(),
        kind=kind,
        actor=actor,
        subject_key=device.subject_key,
        detail={"hubHostName": device.hub_host_name},
    )
    event = EntryChanged(service_id=device.service_id, kind=kind, actor=actor, subject_key=device.subject_key)
    return AppendAudit(event=entry), (event,)
