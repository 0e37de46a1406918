"""A factory floor: devices with keys, the service that they register with, and hubs that behave as a test wants.

Reads and writes go to the world's SQLite. A `ScriptedHub` stands for a hub elsewhere: it remembers what it was
told and can be down, unwilling or silent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.unit.administration.world import HUB, ME, PRIMARY, SECONDARY, World, group, individual, keys, opened

from homeport.administration.preconditions import PutCondition
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.hubs.port import HubConnector, HubPlan
from homeport.hubs.registry import HubRegistry, UnavailableConnector
from homeport.model.attestation import PresentedCredential, Proof
from homeport.model.enrollment import InitialTwin
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import ANY_ETAG, DeviceId, IdScope, OperationId, RegistrationId, ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.model.registration import RegistrationOperation, RegistrationOperationStatus, RegistrationRecord
from homeport.provisioning.admission import Admission
from homeport.provisioning.assignment import CLAIM, Assigner, AssignmentWorker
from homeport.provisioning.registration import RegistrationService
from homeport.security.key_derivation import derive_device_key
from homeport.security.sas import decode_key, sign_sas_token
from homeport.storage.node_memory import SqliteNodeMemory

ID = RegistrationId("Device-1")
FAR = "far.test"
FARTHER = "farther.test"
AFTER_CLAIM = CLAIM + timedelta(seconds=1)


@dataclass
class ScriptedHub:
    """A hub elsewhere. `problem` is raised by every verb; `meanwhile` happens before a verb is answered."""

    problem: Exception | None = None
    meanwhile: Callable[[], Awaitable[object]] | None = None
    plans: list[HubPlan] = field(default_factory=list)
    removed: list[DeviceId] = field(default_factory=list)

    async def apply(self, plan: HubPlan) -> None:
        await self._reach()
        self.plans.append(plan)

    async def remove(self, device_id: DeviceId) -> bool:
        await self._reach()
        self.removed.append(device_id)
        return True

    async def check(self) -> None:
        await self._reach()

    async def _reach(self) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.problem is not None:
            raise self.problem


@dataclass
class MigratingHub(ScriptedHub):
    """A hub that can hand over a twin."""

    twin: InitialTwin | None = None

    async def export_twin(self, device_id: DeviceId) -> InitialTwin | None:
        return self.twin


@dataclass
class Directory:
    """The embedded hub, and the scripted ones by name."""

    registry: HubRegistry
    scripted: dict[str, HubConnector] = field(default_factory=dict)

    def connector(self, service_id: ServiceId, hub_host_name: str) -> HubConnector:
        known = self.scripted.get(hub_host_name)
        if known is None and hub_host_name != HUB:
            return UnavailableConnector("there is no such hub")
        return known or self.registry.connector(service_id, hub_host_name)


@dataclass
class Floor:
    """The services of one process over the world's storage; `restarted` is a second process on the same data."""

    world: World
    embedded: EmbeddedHub
    directory: Directory
    id_scope: IdScope
    budget: float = 30.0
    admission: Admission = field(init=False)
    assigner: Assigner = field(init=False)
    registrations: RegistrationService = field(init=False)
    worker: AssignmentWorker = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        time: dict[str, Any] = {"clock": world.clock, "randomness": world.randomness}
        self.admission = Admission(world.storage, world.clock)
        self.assigner = Assigner(world.storage, self.directory, randomness=world.randomness, budget=self.budget)
        self.registrations = RegistrationService(world.storage, self.admission, self.assigner, **time)
        self.worker = AssignmentWorker(world.storage, self.admission, self.assigner, **time)

    def restarted(self, *, budget: float = 30.0) -> "Floor":
        """Another process: nothing is remembered but what was written."""
        return Floor(self.world, self.embedded, self.directory, self.id_scope, budget)

    async def link(self, host_name: str = FAR, hub: ScriptedHub | None = None, **fields: Any) -> ScriptedHub:
        """Link a scripted hub."""
        connector = hub or ScriptedHub()
        self.directory.scripted[host_name] = connector
        linked = LinkedHub(service_id=self.world.service_id, host_name=host_name, connector="scripted", **fields)
        await self.world.hubs.link(linked, actor=ME)
        return connector

    async def enroll(self, registration_id: str = ID, **fields: Any) -> None:
        """An individual enrollment with the keys PRIMARY and SECONDARY; replaces the one there."""
        entry = individual(registration_id, **{"attestation": keys(PRIMARY, SECONDARY), **fields})
        existing = await self.world.storage.enrollments.individual(
            self.world.service_id, RegistrationId(registration_id)
        )
        condition = PutCondition(if_match=ANY_ETAG if existing else None)
        await self.world.enrollments.put(self.world.service_id, entry, condition=condition, actor=ME)

    async def enroll_group(self, group_id: str = "Line-1", *, replaces: bool = False, **fields: Any) -> None:
        """A group with the keys PRIMARY and SECONDARY."""
        entry = group(group_id, **{"attestation": keys(PRIMARY, SECONDARY), **fields})
        condition = PutCondition(if_match=ANY_ETAG if replaces else None)
        await self.world.groups.put(self.world.service_id, entry, condition=condition, actor=ME)

    def proof(
        self, registration_id: str = ID, *, key: str = PRIMARY, member: bool = False, lifetime: int = 3600
    ) -> PresentedCredential:
        """What a device presents; a member's key is derived from `key`."""
        raw = decode_key(key)
        return PresentedCredential(
            sas_token=sign_sas_token(
                resource=f"{self.id_scope}%2Fregistrations%2F{registration_id}",
                key=derive_device_key(raw, registration_id) if member else raw,
                expiry=int(self.world.clock.now().timestamp()) + lifetime,
            )
        )

    async def register(
        self, registration_id: str = ID, proof: Proof | None = None, *, payload: bytes | None = None
    ) -> tuple[RegistrationOperation, Sequence[ServiceEvent]]:
        """A device registers; by default with the primary key of its individual enrollment."""
        return await self.registrations.register(
            id_scope=self.id_scope,
            registration_id=RegistrationId(registration_id),
            proof=proof or self.proof(registration_id),
            payload=payload,
        )

    async def poll(
        self, operation_id: str, registration_id: str = ID, proof: Proof | None = None
    ) -> RegistrationOperation:
        """A device asks what became of its operation."""
        answer, _ = await self.registrations.operation_status(
            id_scope=self.id_scope,
            registration_id=RegistrationId(registration_id),
            proof=proof or self.proof(registration_id),
            operation_id=OperationId(operation_id),
        )
        return answer

    async def record(self, registration_id: str = ID) -> RegistrationRecord:
        """What is stored of a device."""
        found = await self.world.storage.registrations.record(self.world.service_id, RegistrationId(registration_id))
        assert found is not None
        return found


def status(answer: RegistrationOperation) -> RegistrationOperationStatus:
    """The body of an answer to `register` or to a poll."""
    assert isinstance(answer.body, RegistrationOperationStatus)
    return answer.body


def on_floor(scenario: Callable[[Floor], Awaitable[None]]) -> Callable[[], None]:
    """Make a test of a coroutine that takes a floor."""

    async def lived() -> None:
        async with opened() as world:
            embedded = EmbeddedHub(
                storage=world.storage,
                clock=world.clock,
                randomness=world.randomness,
                memory=SqliteNodeMemory.open(),
            )
            registry = HubRegistry(embedded.context)
            await registry.refresh()
            (service,) = await world.storage.settings.services()
            await scenario(Floor(world, embedded, Directory(registry), service.id_scope))

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test
