"""Which devices are connected to the embedded hubs of this process, and how to reach them.

A device has one connection: a newer one displaces the older. Knows devices by host name and ID only; who may
connect is decided in `sessions.py`.
"""

from collections.abc import Callable

import msgspec

from homeport.model.hub_device import JsonObject
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced

Listener = Callable[[DesiredPropertiesChanged | Displaced], None]


class DeviceConnections:
    """One listener for each connected device. Listeners are compared by equality: bound methods are new each time."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], Listener] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    def attach(self, hub_host_name: str, device_id: str, listener: Listener) -> None:
        """Make this the device's connection; an earlier one is told that it is displaced."""
        key = _key(hub_host_name, device_id)
        earlier = self._listeners.get(key)
        self._listeners[key] = listener
        if earlier is not None and earlier != listener:
            earlier(Displaced())

    def detach(self, hub_host_name: str, device_id: str, listener: Listener) -> None:
        """The connection is over; nothing happens if another one has taken its place."""
        key = _key(hub_host_name, device_id)
        if self._listeners.get(key) == listener:
            del self._listeners[key]

    def is_connected(self, hub_host_name: str, device_id: str) -> bool:
        """Whether the device is connected now."""
        return _key(hub_host_name, device_id) in self._listeners

    def deliver(self, hub_host_name: str, device_id: str, desired: JsonObject, *, version: int) -> None:
        """Tell a connected device of changed desired properties; one that is not connected reads them later."""
        listener = self._listeners.get(_key(hub_host_name, device_id))
        if listener is not None:
            patch = msgspec.json.encode({**desired, "$version": version})
            listener(DesiredPropertiesChanged(patch=patch, version=version))

    def end(self, hub_host_name: str, device_id: str) -> None:
        """End the device's connection, if it has one."""
        listener = self._listeners.pop(_key(hub_host_name, device_id), None)
        if listener is not None:
            listener(Displaced())


def _key(hub_host_name: str, device_id: str) -> tuple[str, str]:
    return hub_host_name.lower(), device_id
