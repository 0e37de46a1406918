"""The assembled hub: one memory behind all its parts."""

from tests.unit.administration.world import HUB
from tests.unit.hubs.site import DEVICE, Site, at_site

from homeport.protocols.conversation import Displaced, SendTelemetry


@at_site
async def test_forgetting_a_device_ends_its_connection_and_drops_its_telemetry(site: Site) -> None:
    await site.device()
    session, connection = await site.connected()
    await site.embedded.sessions.answer(SendTelemetry(session=session, body=b"1", properties=()))
    site.embedded.context.forget(HUB.upper(), DEVICE)
    assert connection.heard == [Displaced()]
    assert site.telemetry() == []
    assert not site.embedded.presence.is_connected(HUB, DEVICE)
