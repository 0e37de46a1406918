"""The registry: built-ins by the same door, and what cannot start stays visible with its reason."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest
from msgspec.structs import replace
from tests.unit.administration.world import HUB, PRIMARY
from tests.unit.hubs.site import DEVICE, Site, at_site

from homeport.hubs.embedded.connector import EmbeddedHubConnector
from homeport.hubs.port import HubConnector, HubPlan, HubUnavailable, sharing_storage
from homeport.hubs.registry import GROUP, ConnectorContext, HubRegistry, UnavailableConnector
from homeport.model.attestation import SymmetricKeyCredential
from homeport.model.identifiers import OperationId, SubjectKey
from homeport.model.linked_hub import LinkedHub
from homeport.storage.changes import PutLinkedHub

OTHER = "other.test"


class Failing:
    """A plug-in that does not start."""

    @classmethod
    def for_hub(cls, hub: LinkedHub, context: ConnectorContext) -> HubConnector:
        raise RuntimeError("no licence")


@dataclass
class Plugin:
    """An entry point that leads here."""

    name: str
    leads_to: type

    def load(self) -> type:
        return self.leads_to


async def link(site: Site, connector: str) -> None:
    hub = replace(site.hub, host_name=OTHER, connector=connector)
    await site.world.storage.apply([PutLinkedHub(hub=hub)])


@at_site
async def test_the_built_in_connector_comes_through_its_entry_point(site: Site) -> None:
    registry = HubRegistry(site.embedded.context)
    await registry.refresh()
    assert isinstance(registry.connector(site.world.service_id, HUB.upper()), EmbeddedHubConnector)
    assert registry.unavailable() == {}


@at_site
async def test_a_connector_that_is_not_installed_is_unavailable_with_its_reason(site: Site) -> None:
    await link(site, "cloud")
    registry = HubRegistry(site.embedded.context)
    await registry.refresh()
    reason = "no connector called 'cloud' is installed"
    assert registry.unavailable() == {(site.world.service_id, OTHER): reason}
    with pytest.raises(HubUnavailable, match=reason):
        await registry.connector(site.world.service_id, OTHER).check()
    await registry.connector(site.world.service_id, HUB).check()


@at_site
async def test_a_connector_that_fails_is_unavailable_with_its_reason(site: Site) -> None:
    await link(site, "bad-import")
    broken = EntryPoint(name="bad-import", value="homeport.nowhere:Connector", group=GROUP)
    registry = HubRegistry(site.embedded.context, plugins=[Plugin("embedded", Failing), broken])
    await registry.refresh()
    reasons = registry.unavailable()
    assert reasons[site.world.service_id, HUB] == "the connector 'embedded' failed: RuntimeError: no licence"
    assert "ModuleNotFoundError" in reasons[site.world.service_id, OTHER]


@at_site
async def test_what_is_linked_later_is_known_after_a_refresh(site: Site) -> None:
    registry = HubRegistry(site.embedded.context)
    with pytest.raises(HubUnavailable, match="last looked"):
        await registry.connector(site.world.service_id, HUB).check()
    await registry.refresh()
    first = registry.connector(site.world.service_id, HUB)
    await link(site, "embedded")
    await registry.refresh()
    assert isinstance(registry.connector(site.world.service_id, OTHER), EmbeddedHubConnector)
    assert registry.connector(site.world.service_id, HUB) is first


@pytest.mark.parametrize(
    "verb",
    [
        lambda connector: connector.check(),
        lambda connector: connector.remove(DEVICE),
        lambda connector: connector.apply(
            HubPlan(
                service_id=1,
                operation_id=OperationId("5.0.0"),
                hub_host_name=HUB,
                device_id=DEVICE,
                subject_key=SubjectKey("s"),
                credential=SymmetricKeyCredential(primary_key=PRIMARY, secondary_key=PRIMARY),
            )
        ),
    ],
)
def test_every_verb_of_an_unavailable_connector_tells_the_reason(verb: Callable) -> None:
    connector = UnavailableConnector("gone fishing")
    with pytest.raises(HubUnavailable, match="gone fishing"):
        asyncio.run(verb(connector))
    assert sharing_storage(connector) is None
