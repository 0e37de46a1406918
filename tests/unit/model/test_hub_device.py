"""A device identity does not show its keys, nor who it is."""

from tests.unit.provisioning.records import NOW

from homeport.model.hub_device import HubDevice
from homeport.model.identifiers import DeviceId, ETag, ServiceId, SubjectKey


def test_a_device_shows_its_generation_only() -> None:
    device = HubDevice(
        service_id=ServiceId(1),
        hub_host_name="hub.test",
        device_id=DeviceId("dev"),
        subject_key=SubjectKey("subject"),
        generation_id="42",
        etag=ETag('"1"'),
        primary_key="PRIMARY",
        secondary_key="SECONDARY",
        created_at=NOW,
        updated_at=NOW,
    )
    assert repr(device) == "HubDevice(generation_id='42', …)"
