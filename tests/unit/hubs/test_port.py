"""What a connector can do beyond its three verbs is told apart by what it has."""

from tests.unit.hubs.site import Site, at_site
from tests.unit.provisioning.floor import MigratingHub, ScriptedHub

from homeport.hubs.embedded.connector import EmbeddedHubConnector
from homeport.hubs.port import TwinMigration, sharing_storage
from homeport.hubs.registry import UnavailableConnector


@at_site
async def test_the_embedded_hub_shares_storage_and_others_do_not(site: Site) -> None:
    embedded = EmbeddedHubConnector.for_hub(site.hub, site.embedded.context)
    assert sharing_storage(embedded) is embedded
    assert sharing_storage(ScriptedHub()) is None
    assert sharing_storage(UnavailableConnector("gone")) is None


def test_twins_migrate_where_they_can_be_exported() -> None:
    assert isinstance(MigratingHub(), TwinMigration)
    assert not isinstance(ScriptedHub(), TwinMigration)
