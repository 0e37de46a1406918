"""Which devices are connected to the embedded hubs through this process, and how to reach them.

A device has one connection: a newer one displaces the older. Which is newer is a matter of claims, which hold among
all processes. Knows devices by host name and ID only; who may connect is decided in `sessions.py`, what other
processes have to know in `presence.py`.
"""

from collections.abc import Callable, Sequence

import msgspec

from homeport.clock import Clock, Randomness, to_microseconds
from homeport.hubs.embedded.twins import difference
from homeport.model.hub_device import HubTwin, JsonObject
from homeport.model.identifiers import ServiceId
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced, HubSession

Listener = Callable[[DesiredPropertiesChanged | Displaced], None]

DeviceKey = tuple[str, str]
"""The hub's host name in lower case, and the device ID."""


class Claim(msgspec.Struct, frozen=True, order=True):
    """By what a connection is its device's only one: of two, the greater is the newer.

    `connection` is random; it names the connection and decides between two that were made at once.
    """

    stamp: int
    connection: str


class Claims:
    """Makes claims, each greater than all that this process has seen (a hybrid logical clock): so the connection that
    a device makes next is the newer one, also where that process's time of day is behind."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self._last = 0

    def next(self) -> Claim:
        """A claim for a connection that is being made."""
        self._last = max(self._last + 1, to_microseconds(self._clock.now()))
        return Claim(self._last, self._randomness.token(8).hex())

    def seen(self, stamp: int) -> None:
        """Another process has made a claim."""
        self._last = max(self._last, stamp)


class AdmittedSession(HubSession, frozen=True, kw_only=True):
    """What the hub keeps of a session beyond what a protocol needs: by what the device was let in (`openers.py`), and
    its desired properties at that time, as JSON. `as_of` is what `Presence.changes` was before they were read."""

    service_id: ServiceId
    opener: str
    desired_version: int
    desired: bytes
    as_of: int

    @property
    def key(self) -> DeviceKey:
        """Whose session it is."""
        return device_key(self.hub_host_name, self.device_id)


class DeviceConnection:
    """A connected device: its listener, and what it has been told."""

    __slots__ = ("_desired", "claim", "desired_version", "listener", "session")

    def __init__(self, session: AdmittedSession, listener: Listener, claim: Claim) -> None:
        self.session = session
        self.listener = listener
        self.claim = claim
        self.desired_version = session.desired_version
        self._desired = session.desired

    def tell(self, twin: HubTwin, patch: JsonObject | None = None) -> None:
        """Tell the device of desired properties that are newer than what it knows.

        `patch` is what led to this version; a device that has missed others, or where it is not known, gets the
        difference to what it knows.
        """
        if twin.desired_version <= self.desired_version:
            return
        if patch is None or twin.desired_version != self.desired_version + 1:
            patch = difference(msgspec.json.decode(self._desired), twin.desired)
        self.desired_version, self._desired = twin.desired_version, msgspec.json.encode(twin.desired)
        body = msgspec.json.encode({**patch, "$version": twin.desired_version})
        self.listener(DesiredPropertiesChanged(patch=body, version=twin.desired_version))

    def is_told_otherwise(self, twin: HubTwin) -> bool:
        """Whether the device knows what is not of this twin, nor of an earlier version: the twin was begun anew."""
        if twin.desired_version == self.desired_version:
            return bool(msgspec.json.decode(self._desired) != twin.desired)
        return twin.desired_version < self.desired_version


class DeviceConnections:
    """One connection for each device. Listeners are compared by equality: bound methods are new each time."""

    def __init__(self) -> None:
        self._connections: dict[DeviceKey, DeviceConnection] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def find(self, key: DeviceKey) -> DeviceConnection | None:
        """The device's connection."""
        return self._connections.get(key)

    def keys(self) -> Sequence[DeviceKey]:
        """The devices that are connected now."""
        return list(self._connections)

    def attach(self, connection: DeviceConnection) -> None:
        """Make this the device's connection; an earlier one is told that it is displaced."""
        earlier = self._connections.get(connection.session.key)
        self._connections[connection.session.key] = connection
        if earlier is not None and earlier.listener != connection.listener:
            earlier.listener(Displaced())

    def detach(self, key: DeviceKey, listener: Listener) -> DeviceConnection | None:
        """The connection is over, and is returned; None if another one has taken its place, or it was ended."""
        current = self._connections.get(key)
        if current is None or current.listener != listener:
            return None
        return self._connections.pop(key)

    def end(self, key: DeviceKey) -> DeviceConnection | None:
        """End the device's connection, if it has one, and return it."""
        connection = self._connections.pop(key, None)
        if connection is not None:
            connection.listener(Displaced())
        return connection


def device_key(hub_host_name: str, device_id: str) -> DeviceKey:
    """How a device is found."""
    return hub_host_name.lower(), device_id
