"""Which connector speaks to which linked hub.

Connectors are plug-ins of the entry-point group `homeport.hub_connectors`; the built-in ones enter by the same
door. One that cannot be loaded or made stays in the list as *unavailable, because …*: its hub is seen, and
refuses. Implements `port.HubDirectory`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from homeport.clock import Clock, Randomness
from homeport.hubs.port import HubConnector, HubPlan, HubUnavailable
from homeport.model.identifiers import DeviceId, ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.storage.port import Storage

GROUP = "homeport.hub_connectors"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorContext:
    """What a connector may use. The last two are for hubs of this process: `forget` lets go of what is remembered of a
    removed device, `look_again` compares its connection with what is stored."""

    storage: Storage
    clock: Clock
    randomness: Randomness
    forget: Callable[[str, DeviceId], None]
    look_again: Callable[[str, DeviceId], None]


class ConnectorFactory(Protocol):
    """What an entry point of the group leads to."""

    def for_hub(self, hub: LinkedHub, context: ConnectorContext) -> HubConnector:
        """The connector of one linked hub. What it raises becomes the reason why the hub is unavailable."""
        ...


class UnavailableConnector:
    """Stands in for a connector that is not there; every verb raises HubUnavailable with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def apply(self, plan: HubPlan) -> None:
        raise HubUnavailable(self.reason)

    async def remove(self, device_id: DeviceId) -> bool:
        raise HubUnavailable(self.reason)

    async def check(self) -> None:
        raise HubUnavailable(self.reason)


class HubRegistry:
    """The connectors of all linked hubs. Knows what was linked when `refresh` last ran."""

    def __init__(self, context: ConnectorContext, plugins: Iterable[EntryPoint] | None = None) -> None:
        """`plugins` are the entry points to choose from; by default those that are installed."""
        self._context = context
        self._plugins = {plugin.name: plugin for plugin in (entry_points(group=GROUP) if plugins is None else plugins)}
        self._hubs: Mapping[tuple[ServiceId, str], LinkedHub] = {}
        self._connectors: dict[tuple[ServiceId, str], HubConnector] = {}

    async def refresh(self) -> None:
        """Take note of what is linked now; connectors of hubs that stay linked as they were stay, too.

        Raises:
            StorageUnavailable: the database does not answer; nothing is forgotten.
        """
        settings = self._context.storage.settings
        linked = [
            hub for service in await settings.services() for hub in await settings.linked_hubs(service.service_id)
        ]
        before, self._hubs = self._hubs, {_key(hub.service_id, hub.host_name): hub for hub in linked}
        self._connectors = {
            key: self._connectors[key] if _same(before.get(key), hub) else self._make(hub)
            for key, hub in self._hubs.items()
        }

    def connector(self, service_id: ServiceId, hub_host_name: str) -> HubConnector:
        """The connector of a linked hub; an UnavailableConnector for one that is not known to be linked."""
        known = self._connectors.get(_key(service_id, hub_host_name))
        return known or UnavailableConnector("no hub of this name was linked when the server last looked")

    def unavailable(self) -> Mapping[tuple[ServiceId, str], str]:
        """The linked hubs that cannot work, by service and host name, with the reason."""
        return {
            (hub.service_id, hub.host_name): connector.reason
            for key, hub in self._hubs.items()
            if isinstance(connector := self._connectors[key], UnavailableConnector)
        }

    def _make(self, hub: LinkedHub) -> HubConnector:
        plugin = self._plugins.get(hub.connector)
        if plugin is None:
            return UnavailableConnector(f"no connector called {hub.connector!r} is installed")
        try:
            factory: ConnectorFactory = plugin.load()
            return factory.for_hub(hub, self._context)
        except Exception as error:  # A plug-in may fail in any way; the server and the other hubs go on.
            return UnavailableConnector(f"the connector {hub.connector!r} failed: {type(error).__name__}: {error}")


def _key(service_id: ServiceId, hub_host_name: str) -> tuple[ServiceId, str]:
    return service_id, hub_host_name.lower()


def _same(before: LinkedHub | None, now: LinkedHub) -> bool:
    return before is not None and (before.host_name, before.connector) == (now.host_name, now.connector)
