"""The embedded hubs as this process serves them, assembled: who is connected, and the verbs.

For `application.py`: one object makes the parts and hands them out. `context` goes to `hubs/registry.py`,
`sessions` to the pump of the device protocols, the rest to `endpoints/hub_api.py`.
"""

from homeport.clock import Clock, Randomness
from homeport.hubs.embedded.announcements import Channel, LocalChannel
from homeport.hubs.embedded.device_twins import DeviceTwins
from homeport.hubs.embedded.directory import EmbeddedHubs
from homeport.hubs.embedded.identities import DeviceIdentities
from homeport.hubs.embedded.node_memory import NodeMemory
from homeport.hubs.embedded.presence import Presence
from homeport.hubs.embedded.sessions import HubSessions
from homeport.hubs.registry import ConnectorContext
from homeport.storage.port import Storage


class EmbeddedHub:
    """All parts, wired. `memory` is the node's, `channel` leads to the other processes that serve these hubs."""

    def __init__(
        self,
        *,
        storage: Storage,
        clock: Clock,
        randomness: Randomness,
        memory: NodeMemory,
        channel: Channel | None = None,
    ) -> None:
        self.directory = EmbeddedHubs(storage.settings)
        self.memory = memory
        self.presence = Presence(
            devices=storage.hub_devices,
            memory=memory,
            channel=channel or LocalChannel(),
            clock=clock,
            randomness=randomness,
        )
        self.twins = DeviceTwins(storage=storage, clock=clock, randomness=randomness, presence=self.presence)
        self.identities = DeviceIdentities(storage=storage, clock=clock, randomness=randomness, presence=self.presence)
        self.sessions = HubSessions(
            hubs=self.directory,
            devices=storage.hub_devices,
            twins=self.twins,
            memory=memory,
            presence=self.presence,
            clock=clock,
        )
        self.context = ConnectorContext(
            storage=storage,
            clock=clock,
            randomness=randomness,
            forget=self.presence.gone,
            look_again=self.presence.look_again,
        )
