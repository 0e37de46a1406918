"""One connection a device: displaced, detached, told, ended."""

import msgspec
from tests.unit.hubs.site import Connection

from homeport.hubs.embedded.connections import DeviceConnections
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced


def test_a_newer_connection_displaces_the_older() -> None:
    connections, first, second = DeviceConnections(), Connection(), Connection()
    connections.attach("hub.test", "d", first.listen)
    connections.attach("HUB.test", "d", second.listen)
    assert (first.heard, second.heard, len(connections)) == ([Displaced()], [], 1)
    connections.detach("hub.test", "d", first.listen)
    assert connections.is_connected("hub.test", "d")
    connections.detach("hub.test", "d", second.listen)
    assert not connections.is_connected("hub.test", "d")
    assert len(connections) == 0


def test_attaching_again_displaces_nobody() -> None:
    connections, only = DeviceConnections(), Connection()
    connections.attach("hub.test", "d", only.listen)
    connections.attach("hub.test", "d", only.listen)
    assert only.heard == []


def test_device_ids_differ_by_case_and_by_hub() -> None:
    connections, one, other, elsewhere = DeviceConnections(), Connection(), Connection(), Connection()
    connections.attach("hub.test", "d", one.listen)
    connections.attach("hub.test", "D", other.listen)
    connections.attach("hub-2.test", "d", elsewhere.listen)
    connections.end("hub.test", "d")
    assert (one.heard, other.heard, elsewhere.heard) == ([Displaced()], [], [])
    assert not connections.is_connected("hub.test", "d")


def test_desired_properties_go_to_the_connected_device_with_their_version() -> None:
    connections, device = DeviceConnections(), Connection()
    connections.deliver("hub.test", "d", {"rate": 5}, version=2)
    connections.attach("hub.test", "d", device.listen)
    connections.deliver("hub.test", "d", {"rate": 6, "old": None}, version=3)
    (told,) = device.heard
    assert isinstance(told, DesiredPropertiesChanged)
    assert told.version == 3
    assert msgspec.json.decode(told.patch) == {"rate": 6, "old": None, "$version": 3}


def test_ending_what_is_not_connected_does_nothing() -> None:
    DeviceConnections().end("hub.test", "d")
