"""One connection a device: the newer claim, displaced, detached, told, ended."""

from datetime import timedelta
from typing import Any

import msgspec
from tests.unit.administration.world import CountedRandomness, StillClock
from tests.unit.hubs.site import Connection

from homeport.hubs.embedded.connections import (
    AdmittedSession,
    Claim,
    Claims,
    DeviceConnection,
    DeviceConnections,
    device_key,
)
from homeport.model.hub_device import HubTwin, JsonObject
from homeport.model.identifiers import DeviceId, ETag, ServiceId
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced

KEY = device_key("hub.test", "d")


def connection(device: Connection, hub: str = "hub.test", device_id: str = "d", **known: Any) -> DeviceConnection:
    """A device that knows the first version of its desired properties, `known`."""
    session = AdmittedSession(
        service_id=ServiceId(1),
        hub_host_name=hub,
        device_id=device_id,
        expires_in=None,
        opener="key",
        desired_version=1,
        desired=msgspec.json.encode(known),
        as_of=0,
    )
    return DeviceConnection(session, device.listen, Claim(1, "first"))


def twin(version: int, desired: JsonObject) -> HubTwin:
    return HubTwin(
        service_id=ServiceId(1),
        hub_host_name="hub.test",
        device_id=DeviceId("d"),
        etag=ETag('"1"'),
        updated_at=StillClock().now(),
        tags={},
        desired=desired,
        reported={},
        desired_version=version,
    )


def told(device: Connection) -> list[JsonObject]:
    """What the device has heard, as JSON."""
    heard = [event for event in device.heard if isinstance(event, DesiredPropertiesChanged)]
    assert [msgspec.json.decode(event.patch)["$version"] for event in heard] == [event.version for event in heard]
    return [msgspec.json.decode(event.patch) for event in heard]


def test_a_newer_connection_displaces_the_older() -> None:
    connections, first, second = DeviceConnections(), Connection(), Connection()
    connections.attach(connection(first))
    newer = connection(second, hub="HUB.test")
    connections.attach(newer)
    assert (first.heard, second.heard, len(connections)) == ([Displaced()], [], 1)
    assert connections.detach(KEY, first.listen) is None
    assert connections.find(KEY) is newer
    assert connections.detach(KEY, second.listen) is newer
    assert (connections.find(KEY), len(connections)) == (None, 0)


def test_attaching_again_displaces_nobody() -> None:
    connections, only = DeviceConnections(), Connection()
    connections.attach(connection(only))
    connections.attach(connection(only))
    assert only.heard == []


def test_device_ids_differ_by_case_and_by_hub() -> None:
    connections, one, other, elsewhere = DeviceConnections(), Connection(), Connection(), Connection()
    connections.attach(connection(one))
    connections.attach(connection(other, device_id="D"))
    connections.attach(connection(elsewhere, hub="hub-2.test"))
    assert connections.end(KEY) is not None
    assert (one.heard, other.heard, elsewhere.heard) == ([Displaced()], [], [])
    assert list(connections.keys()) == [("hub.test", "D"), ("hub-2.test", "d")]


def test_ending_what_is_not_connected_does_nothing() -> None:
    assert DeviceConnections().end(KEY) is None


# --- desired properties ---------------------------------------------------------------------------------------


def test_the_next_patch_is_told_as_it_came() -> None:
    device = Connection()
    connection(device).tell(twin(2, {"rate": 6}), {"rate": 6, "old": None})
    assert told(device) == [{"rate": 6, "old": None, "$version": 2}]


def test_who_missed_versions_is_told_the_difference() -> None:
    device = Connection()
    there = connection(device, rate=5, old=1, deep={"a": 1, "b": 2})
    there.tell(twin(4, {"rate": 6, "deep": {"b": 2}}), {"rate": 6})
    there.tell(twin(5, {"rate": 7, "deep": {"b": 2}}))
    assert told(device) == [
        {"rate": 6, "old": None, "deep": {"a": None}, "$version": 4},
        {"rate": 7, "$version": 5},
    ]


def test_no_version_is_told_twice_and_none_after_a_later_one() -> None:
    device = Connection()
    there = connection(device)
    for version in (3, 2, 3, 1):
        there.tell(twin(version, {"rate": version}))
    assert [patch["$version"] for patch in told(device)] == [3]


def test_a_twin_that_was_begun_anew_is_known_by_what_the_device_was_told() -> None:
    there = connection(Connection(), rate=5)
    assert not there.is_told_otherwise(twin(1, {"rate": 5}))
    assert not there.is_told_otherwise(twin(2, {"rate": 6}))
    assert there.is_told_otherwise(twin(1, {"rate": 6}))
    there.tell(twin(2, {"rate": 5}))
    assert there.is_told_otherwise(twin(1, {"rate": 5}))


# --- claims ---------------------------------------------------------------------------------------------------


def test_a_later_claim_is_greater_whatever_the_clocks_say() -> None:
    clock, late_clock = StillClock(), StillClock()
    late_clock.time -= timedelta(hours=1)
    here, behind = Claims(clock, CountedRandomness()), Claims(late_clock, CountedRandomness())
    first, second = here.next(), here.next()
    assert first < second
    assert behind.next() < first
    behind.seen(second.stamp)
    assert behind.next() > second


def test_of_two_claims_of_one_moment_one_is_greater() -> None:
    assert Claim(7, "a") < Claim(7, "b") < Claim(8, "a")
