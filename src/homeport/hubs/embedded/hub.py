"""The embedded hubs of this process, assembled: what is held in memory, and the verbs over it.

For `application.py`: one object makes the parts and hands them out. `context` goes to `hubs/registry.py`,
`sessions` to the pump of the device protocols, the rest to `endpoints/hub_api.py`.
"""

from homeport.clock import Clock, Randomness
from homeport.hubs.embedded.connections import DeviceConnections
from homeport.hubs.embedded.device_twins import DeviceTwins
from homeport.hubs.embedded.directory import EmbeddedHubs
from homeport.hubs.embedded.identities import DeviceIdentities
from homeport.hubs.embedded.sessions import HubSessions
from homeport.hubs.embedded.telemetry import Telemetry
from homeport.hubs.registry import ConnectorContext
from homeport.model.identifiers import DeviceId
from homeport.storage.port import Storage


class EmbeddedHub:
    """All parts, wired."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self.directory = EmbeddedHubs(storage.settings)
        self.connections = DeviceConnections()
        self.telemetry = Telemetry(clock)
        self.twins = DeviceTwins(storage=storage, clock=clock, randomness=randomness, connections=self.connections)
        self.identities = DeviceIdentities(
            storage=storage,
            clock=clock,
            randomness=randomness,
            connections=self.connections,
            forget=self.forget,
        )
        self.sessions = HubSessions(
            hubs=self.directory,
            devices=storage.hub_devices,
            twins=self.twins,
            telemetry=self.telemetry,
            connections=self.connections,
            clock=clock,
        )
        self.context = ConnectorContext(storage=storage, clock=clock, randomness=randomness, forget=self.forget)

    def forget(self, hub_host_name: str, device_id: DeviceId) -> None:
        """Let go of what is held in memory of a device that is gone: its connection, then its telemetry."""
        self.connections.end(hub_host_name, device_id)
        self.telemetry.of(hub_host_name).forget(device_id)
