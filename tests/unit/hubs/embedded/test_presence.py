"""A device connected to one worker, an operator served by another: told, displaced, ended, shown as connected."""

import asyncio

import msgspec
from tests.unit.administration.world import HUB, PRIMARY, SECONDARY
from tests.unit.hubs.node import heard, on_node
from tests.unit.hubs.site import DEVICE, Connection, Site

from homeport.hubs.embedded.announcements import DeviceConnected, DeviceGone
from homeport.hubs.embedded.twins import TwinPatch
from homeport.model.hub_device import JsonObject
from homeport.model.telemetry import Message
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced, SendTelemetry


async def patch(site: Site, **desired: object) -> None:
    await site.embedded.twins.patch(site.hub, DEVICE, TwinPatch(desired=desired), if_match=None, actor="me")


def told(connection: Connection) -> list[JsonObject]:
    return [
        msgspec.json.decode(event.patch) for event in connection.heard if isinstance(event, DesiredPropertiesChanged)
    ]


def ended(connection: Connection) -> bool:
    return Displaced() in connection.heard


# --- desired properties ---------------------------------------------------------------------------------------


@on_node
async def test_a_device_hears_of_a_patch_that_another_worker_has_served(here: Site, there: Site) -> None:
    await here.device()
    await patch(here, rate=1, old=1, deep={"a": 1, "b": 2})
    _, connection = await there.connected()
    await patch(here, rate=2, old=None, deep={"a": None})
    await heard(lambda: bool(connection.heard))
    assert told(connection) == [{"rate": 2, "old": None, "deep": {"a": None}, "$version": 3}]


@on_node
async def test_versions_come_in_order_and_once_whoever_serves_them(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    for number in range(20):
        await patch((here, there)[number % 2], **{f"k{number}": number})
    await heard(lambda: bool(connection.heard) and told(connection)[-1]["$version"] == 21)
    versions = [document["$version"] for document in told(connection)]
    assert versions == sorted(set(versions))
    merged: JsonObject = {}
    for document in told(connection):
        merged |= document
    assert merged == {**{f"k{number}": number for number in range(20)}, "$version": 21}


@on_node
async def test_patches_that_meet_on_two_workers_end_in_one_twin(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    await asyncio.gather(*[patch(site, **{f"k{n}": n}) for n in range(4) for site in (here, there)])
    twin = await here.embedded.twins.of_device(here.hub, DEVICE)
    await heard(lambda: bool(connection.heard) and told(connection)[-1]["$version"] == twin.desired_version)
    known = {key: value for document in told(connection) for key, value in document.items()}
    assert known == {**twin.desired, "$version": twin.desired_version}


@on_node
async def test_a_replacement_reaches_the_device_too(here: Site, there: Site) -> None:
    await here.device()
    await patch(here, keep=1, gone=1)
    _, connection = await there.connected()
    wanted = TwinPatch(desired={"keep": 1, "new": 2})
    await here.embedded.twins.replace(here.hub, DEVICE, wanted, if_match=None, actor="me")
    await heard(lambda: bool(connection.heard))
    assert told(connection) == [{"gone": None, "new": 2, "$version": 3}]


@on_node
async def test_a_lost_announcement_is_made_up_for_by_the_next(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    here.channel.deaf = True
    await patch(here, lost=1)
    await heard(lambda: here.channel.lost == 1)
    here.channel.deaf = False
    await patch(here, rate=2)
    await heard(lambda: bool(connection.heard))
    assert told(connection) == [{"lost": 1, "rate": 2, "$version": 3}]


# --- one connection a device ----------------------------------------------------------------------------------


@on_node
async def test_a_second_connection_displaces_the_first_on_another_worker(here: Site, there: Site) -> None:
    await here.device()
    first_session, first = await here.connected()
    second_session, second = await there.connected()
    await heard(lambda: ended(first))
    assert second.heard == []
    here.embedded.sessions.detach(first_session, first.listen)
    await heard(lambda: here.embedded.presence.is_connected(HUB, DEVICE))
    await patch(here, rate=1)
    await heard(lambda: bool(second.heard))
    assert told(first) == []
    there.embedded.sessions.detach(second_session, second.listen)
    assert not there.embedded.presence.is_connected(HUB, DEVICE)
    await heard(lambda: not here.embedded.presence.is_connected(HUB, DEVICE))


@on_node
async def test_of_two_connections_made_at_once_one_stays(here: Site, there: Site) -> None:
    await here.device()
    sessions = [await site.connect() for site in (here, there)]
    connections = [Connection(), Connection()]
    for site, session, connection in zip((here, there), sessions, connections, strict=True):
        site.embedded.sessions.attach(session, connection.listen)
    await heard(lambda: any(map(ended, connections)))
    await asyncio.sleep(0.05)
    assert sorted(map(ended, connections)) == [False, True]
    assert here.embedded.presence.is_connected(HUB, DEVICE)


@on_node
async def test_who_hears_of_an_older_connection_says_that_it_is_older(here: Site, there: Site) -> None:
    await here.device()
    here.channel.deaf = there.channel.deaf = True
    _, first = await here.connected()
    _, second = await there.connected()
    await heard(lambda: here.channel.lost == there.channel.lost == 1)
    here.channel.deaf = there.channel.deaf = False
    assert (first.heard, second.heard) == ([], [])
    await here.reconcile()
    await heard(lambda: ended(first))
    assert second.heard == []


@on_node
async def test_an_announcement_of_its_own_connection_ends_nothing(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await here.connected()
    claim = here.embedded.presence._connections.find((HUB.lower(), DEVICE)).claim  # type: ignore[union-attr]
    for number in range(3):
        there.embedded.presence._announcements.announce(DeviceConnected(HUB, DEVICE, claim.stamp, claim.connection))
        there.embedded.presence._announcements.announce(DeviceConnected(HUB, DEVICE, number, "old"))
    _, other = await there.connected()
    await heard(lambda: ended(connection))
    assert connection.heard == [Displaced()]
    assert other.heard == []


# --- ended ----------------------------------------------------------------------------------------------------


@on_node
async def test_a_device_that_is_deleted_is_disconnected_on_any_worker(here: Site, there: Site) -> None:
    await here.device()
    session, connection = await there.connected()
    await there.embedded.sessions.answer(SendTelemetry(session=session, body=b"1", properties=()))
    await here.embedded.identities.delete(here.hub, DEVICE, if_match=None, actor="me")
    await heard(lambda: ended(connection))
    assert here.telemetry() == there.telemetry() == []
    await heard(lambda: not here.embedded.presence.is_connected(HUB, DEVICE))


@on_node
async def test_a_device_that_is_disabled_is_disconnected_on_any_worker(here: Site, there: Site) -> None:
    await here.device()
    _, connection = await there.connected()
    await here.update(status_reason="an update alone ends nothing")
    await here.update(enabled=False)
    await heard(lambda: ended(connection))
    assert connection.heard == [Displaced()]


@on_node
async def test_a_device_whose_key_was_changed_is_disconnected_on_any_worker(here: Site, there: Site) -> None:
    await here.device(secondary_key=SECONDARY)
    _, connection = await there.connected()
    await here.update(primary_key=SECONDARY, secondary_key=PRIMARY)
    await here.update(secondary_key=SECONDARY)
    await heard(lambda: ended(connection))


@on_node
async def test_a_device_that_is_not_connected_is_no_matter(here: Site, there: Site) -> None:
    await here.device()
    here.embedded.presence.look_again(HUB, DEVICE)
    here.embedded.presence.gone(HUB, "nobody")
    there.embedded.presence._announcements.announce(DeviceGone(HUB, "nobody"))
    _, connection = await here.connected()
    await patch(there, rate=1)
    await heard(lambda: bool(connection.heard))


@on_node
async def test_what_happens_while_a_device_is_let_in_is_found_out(here: Site, there: Site) -> None:
    await here.device()
    session, connection = await there.connect(), Connection()
    await here.embedded.identities.delete(here.hub, DEVICE, if_match=None, actor="me")
    before = there.embedded.presence.changes
    await heard(lambda: there.embedded.presence.changes > before)
    there.embedded.sessions.attach(session, connection.listen)
    await heard(lambda: ended(connection))


# --- telemetry ------------------------------------------------------------------------------------------------


@on_node
async def test_every_worker_shows_every_message(here: Site, there: Site) -> None:
    await here.device()
    await here.device("dev-2")
    for number, site in enumerate((here, there)):
        device_id = ("dev-1", "dev-2")[number]
        session = await site.connect(device_id=device_id, token=site.token(resource=f"{HUB}%2Fdevices%2F{device_id}"))
        site.embedded.sessions.attach(session, Connection().listen)
        await site.embedded.sessions.answer(SendTelemetry(session=session, body=b"%d" % number, properties=()))
        site.telemetry()
    expected = [("dev-1", b"0", 1), ("dev-2", b"1", 2)]

    def shown(message: Message) -> tuple[str, bytes, int]:
        return message.device_id, message.body, message.sequence_number

    assert [[shown(message) for message in site.telemetry()] for site in (here, there)] == [expected, expected]
