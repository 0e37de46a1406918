"""An embedded hub in a database of its own, and a device's way in; for the tests of the hub's rooms."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.administration.world import HUB, PRIMARY, World, opened

from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.hubs.embedded.identities import DeviceDescription
from homeport.hubs.embedded.reconciliation import ROUND
from homeport.model.attestation import PresentedCredential
from homeport.model.hub_device import HubDevice
from homeport.model.identifiers import ANY_ETAG, DeviceId
from homeport.model.linked_hub import LinkedHub
from homeport.model.telemetry import Message
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced, HubSession, OpenHubSession
from homeport.security.sas import decode_key, sign_sas_token
from homeport.storage.node_memory import SqliteNodeMemory

DEVICE = DeviceId("dev-1")
WRONG_KEY = "d3Jvbmcta2V5LW9mLTE2LWJ5dGVz"


@dataclass
class Connection:
    """A device's connection: keeps what the hub tells it."""

    heard: list[DesiredPropertiesChanged | Displaced] = field(default_factory=list)

    def listen(self, event: DesiredPropertiesChanged | Displaced) -> None:
        self.heard.append(event)


@dataclass
class Site:
    """The hub, its surroundings, and verbs that tests need all the time."""

    world: World
    embedded: EmbeddedHub
    hub: LinkedHub
    channel: Any = None
    """What it announces over, where a test has to do with that."""

    async def device(self, device_id: str = DEVICE, **fields: Any) -> HubDevice:
        """A device whose primary key is known."""
        wanted = DeviceDescription(device_id=DeviceId(device_id), **{"primary_key": PRIMARY, **fields})
        device, _ = await self.embedded.identities.put(self.hub, wanted, if_match=None, actor="test")
        return device

    async def update(self, **fields: Any) -> HubDevice:
        """The device with other fields, whatever it was."""
        wanted = DeviceDescription(device_id=DEVICE, **fields)
        device, _ = await self.embedded.identities.put(self.hub, wanted, if_match=ANY_ETAG, actor="test")
        return device

    def token(self, key: str = PRIMARY, *, resource: str = f"{HUB}%2Fdevices%2F{DEVICE}", lifetime: int = 3600) -> str:
        """A device's token."""
        expiry = int(self.world.clock.now().timestamp()) + lifetime
        return sign_sas_token(resource=resource, key=decode_key(key), expiry=expiry)

    async def connect(self, *, token: str | None = None, hub: str = HUB, device_id: str = DEVICE) -> HubSession:
        """A session; raises what the hub refuses it with."""
        credential = PresentedCredential(sas_token=self.token() if token is None else token)
        return await self.present(credential, hub=hub, device_id=device_id)

    async def present(self, credential: PresentedCredential, *, hub: str = HUB, device_id: str = DEVICE) -> HubSession:
        """A session by any credential; raises what the hub refuses it with."""
        question = OpenHubSession(hub_host_name=hub, device_id=device_id, credential=credential)
        session = await self.embedded.sessions.answer(question)
        assert isinstance(session, HubSession)
        return session

    def telemetry(self) -> Sequence[Message]:
        """What the hub keeps of its devices' messages."""
        return self.embedded.memory.messages(HUB, after=0, limit=1000).messages

    async def reconcile(self) -> None:
        """Let each connection have its turn."""
        for _ in range(ROUND):
            await self.embedded.presence.reconcile()

    async def connected(self) -> tuple[HubSession, Connection]:
        """A session with its connection attached."""
        session, connection = await self.connect(), Connection()
        self.embedded.sessions.attach(session, connection.listen)
        return session, connection


def at_site(scenario: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
    """Make a test of a coroutine that takes a site."""

    async def lived() -> None:
        async with opened() as world:
            embedded = EmbeddedHub(
                storage=world.storage,
                clock=world.clock,
                randomness=world.randomness,
                memory=SqliteNodeMemory.open(),
            )
            (hub,) = await world.storage.settings.linked_hubs(world.service_id)
            await scenario(Site(world, embedded, hub))

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test
