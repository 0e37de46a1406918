"""The audit entry of an operator's change: a subject key, and never the device's ID."""

from tests.unit.hubs.site import DEVICE, Site, at_site

from homeport.hubs.embedded.audit import audited
from homeport.model.events import EntryChanged


@at_site
async def test_entry_and_event_say_the_same(site: Site) -> None:
    device = await site.device()
    change, events = audited(device, kind="HubDeviceUpdated", actor="me", clock=site.world.clock)
    assert (change.event.kind, change.event.actor, change.event.subject_key) == (
        "HubDeviceUpdated",
        "me",
        device.subject_key,
    )
    assert DEVICE not in str(change.event)
    assert events == (
        EntryChanged(
            service_id=site.world.service_id, kind="HubDeviceUpdated", actor="me", subject_key=device.subject_key
        ),
    )
