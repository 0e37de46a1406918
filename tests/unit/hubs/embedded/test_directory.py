"""Which hub a host name means, for devices and for operators."""

from msgspec.structs import replace
from tests.unit.administration.world import HUB
from tests.unit.hubs.site import Site, at_site

from homeport.storage.changes import PutLinkedHub


@at_site
async def test_a_device_must_name_the_hub(site: Site) -> None:
    assert await site.embedded.directory.named(HUB.upper()) == site.hub
    assert await site.embedded.directory.named("other.test") is None


@at_site
async def test_an_only_hub_answers_operators_under_any_name(site: Site) -> None:
    assert await site.embedded.directory.answering_to("proxy.test") == site.hub
    second = replace(site.hub, host_name="other.test")
    cloud = replace(site.hub, host_name="cloud.test", connector="cloud")
    await site.world.storage.apply([PutLinkedHub(hub=second), PutLinkedHub(hub=cloud)])
    assert await site.embedded.directory.answering_to("OTHER.test") == second
    assert await site.embedded.directory.answering_to("proxy.test") is None
    assert await site.embedded.directory.answering_to("cloud.test") is None
