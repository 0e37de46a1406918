"""The hubs that a service's devices may be assigned to, read once for many devices.

Kept until a linked hub (or a group, or a CA certificate) of the service changes; the read that let a device in says
whether one has. Counterparts: `assignment.py` asks, `allocation/` chooses among them.
"""

from collections.abc import Sequence

from homeport.model.identifiers import ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.storage.port import RegistrationContext, SettingsReader


class LinkedHubCache:
    """The linked hubs of every service, as they stood when last read."""

    def __init__(self, settings: SettingsReader) -> None:
        self._settings = settings
        self._known: dict[ServiceId, tuple[int, Sequence[LinkedHub]]] = {}

    async def of(self, service_id: ServiceId, context: RegistrationContext) -> Sequence[LinkedHub]:
        """The hubs as of the read that gave `context`, or later.

        Raises:
            StorageUnavailable: they have changed, and cannot be read.
        """
        known = self._known.get(service_id)
        if known is not None and known[0] == context.groups_version:
            return known[1]
        hubs = await self._settings.linked_hubs(service_id)
        self._known[service_id] = (context.groups_version, hubs)
        return hubs
