"""Connections compared with storage: what no announcement told of is found in time."""

from tests.unit.administration.world import HUB, PRIMARY, SECONDARY
from tests.unit.hubs.node import heard, on_node
from tests.unit.hubs.site import DEVICE, Connection, Site, at_site

from homeport.hubs.embedded.connector import EmbeddedHubConnector
from homeport.hubs.embedded.identities import deletion
from homeport.hubs.embedded.twins import TwinPatch
from homeport.hubs.port import HubPlan
from homeport.model.attestation import HubCredential, SymmetricKeyCredential, X509Credential
from homeport.model.identifiers import OperationId, SubjectKey
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced

KEYS = SymmetricKeyCredential(primary_key=PRIMARY, secondary_key=SECONDARY)


async def register(site: Site, credential: HubCredential = KEYS, *, reset_twin: bool = False) -> None:
    """What provisioning writes, which announces nothing."""
    plan = HubPlan(
        service_id=site.world.service_id,
        operation_id=OperationId("5.0.0"),
        hub_host_name=HUB,
        device_id=DEVICE,
        subject_key=SubjectKey("subject"),
        credential=credential,
        reset_twin=reset_twin,
    )
    await EmbeddedHubConnector.for_hub(site.hub, site.embedded.context).apply(plan)


@at_site
async def test_a_device_that_registers_again_as_it_was_stays_connected(site: Site) -> None:
    await register(site)
    _, connection = await site.connected()
    await register(site)
    await site.reconcile()
    assert connection.heard == []


@at_site
async def test_a_credential_of_another_kind_ends_the_connection(site: Site) -> None:
    await register(site)
    _, connection = await site.connected()
    await register(site, X509Credential(primary_thumbprint="AB" * 32))
    await site.reconcile()
    assert connection.heard == [Displaced()]
    assert not site.embedded.presence.is_connected(HUB, DEVICE)


@at_site
async def test_a_twin_that_was_begun_anew_ends_the_connection(site: Site) -> None:
    await register(site)
    _, connection = await site.connected()
    await site.embedded.twins.patch(site.hub, DEVICE, TwinPatch(desired={"a": 1}), if_match=None, actor="me")
    await register(site, reset_twin=True)
    await site.reconcile()
    assert connection.heard[1:] == [Displaced()]


@on_node
async def test_what_was_lost_comes_late(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    here.channel.deaf = True
    await here.embedded.twins.patch(here.hub, DEVICE, TwinPatch(desired={"a": 1}), if_match=None, actor="me")
    await there.reconcile()
    assert connection.heard == [DesiredPropertiesChanged(patch=b'{"a":1,"$version":2}', version=2)]
    await here.update(enabled=False)
    await there.reconcile()
    assert connection.heard[1:] == [Displaced()]


@on_node
async def test_a_lost_deletion_too(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    here.channel.deaf = True
    await here.embedded.identities.delete(here.hub, DEVICE, if_match=None, actor="me")
    await there.reconcile()
    assert connection.heard == [Displaced()]


@at_site
async def test_every_connection_has_its_turn_in_a_round(site: Site) -> None:
    connections = []
    for number in range(7):
        device_id = f"d{number}"
        await site.device(device_id)
        token = site.token(resource=f"{HUB}%2Fdevices%2F{device_id}")
        connections.append(Connection())
        session = await site.connect(device_id=device_id, token=token)
        site.embedded.sessions.attach(session, connections[-1].listen)
    await site.world.storage.apply([deletion(device) for device in await site.embedded.identities.first(site.hub, 7)])
    await site.reconcile()
    assert [connection.heard for connection in connections] == [[Displaced()]] * 7


@on_node
async def test_after_a_carrier_was_down_all_are_looked_at_within_seconds(here: Site, there: Site) -> None:
    connections = []
    for number in range(5):
        device_id = f"d{number}"
        await here.device(device_id)
        token = there.token(resource=f"{HUB}%2Fdevices%2F{device_id}")
        session = await there.connect(device_id=device_id, token=token)
        connections.append(Connection())
        there.embedded.sessions.attach(session, connections[-1].listen)
    here.channel.deaf = True
    for device in await here.embedded.identities.first(here.hub, 5):
        await here.embedded.identities.delete(here.hub, device.device_id, if_match=None, actor="me")
    there.channel.missed()
    await there.embedded.presence.reconcile()
    assert [connection.heard for connection in connections] == [[Displaced()]] * 5


@on_node
async def test_looking_again_finds_what_only_storage_knows(here: Site, there: Site) -> None:
    await register(here)
    _, connection = await there.connected()
    await register(here, X509Credential(primary_thumbprint="AB" * 32))
    here.embedded.presence.look_again(HUB, DEVICE)
    await heard(lambda: connection.heard == [Displaced()])


@at_site
async def test_a_database_that_does_not_answer_ends_nothing(site: Site) -> None:
    await site.device()
    _, connection = await site.connected()
    await site.world.storage.close()
    site.embedded.presence.look_again(HUB, DEVICE)
    assert connection.heard == []
