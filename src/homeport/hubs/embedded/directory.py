"""Which embedded hub answers to a host name.

A host name is all that a device or an operator says on the wire; it leads to the hub, and the hub to its
service. Reads the linked hubs at each question, so that a newly linked hub is there at once.
"""

from collections.abc import Sequence

from homeport.model.linked_hub import LinkedHub
from homeport.storage.port import SettingsReader

CONNECTOR = "embedded"
"""The name by which linked hubs ask for the hub in the box."""


class EmbeddedHubs:
    """The embedded hubs of all services."""

    def __init__(self, settings: SettingsReader) -> None:
        self._settings = settings

    async def named(self, host_name: str) -> LinkedHub | None:
        """The hub of exactly this host name, ignoring case; what devices connect to."""
        return _named(host_name, await self._all())

    async def answering_to(self, host_name: str) -> LinkedHub | None:
        """The hub that an operator means; the only one answers to any name, such as that of a proxy before it."""
        hubs = await self._all()
        return _named(host_name, hubs) or (hubs[0] if len(hubs) == 1 else None)

    async def _all(self) -> Sequence[LinkedHub]:
        return [
            hub
            for service in await self._settings.services()
            for hub in await self._settings.linked_hubs(service.service_id)
            if hub.connector == CONNECTOR
        ]


def _named(host_name: str, hubs: Sequence[LinkedHub]) -> LinkedHub | None:
    wanted = host_name.lower()
    return next((hub for hub in hubs if hub.host_name.lower() == wanted), None)
