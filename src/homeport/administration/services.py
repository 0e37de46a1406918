"""The provisioning services of the deployment: create one, list them, find the one that a host name means.

REST (management): the resource itself. A service starts with the policy that the hosted one starts with. Its ID
scope is made here, or taken over when devices already carry one.
"""

import re
from collections.abc import Sequence

from homeport import errors
from homeport.administration.access_policies import DEFAULT_SERVICE_POLICY, new_policy
from homeport.administration.trail import Deed
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.access_policy import PROVISIONING_RIGHTS
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import IdScope, ServiceId, folded, new_id_scope
from homeport.model.linked_hub import AllocationPolicy
from homeport.model.provisioning_service import ProvisioningService
from homeport.storage.changes import PutPolicy, PutService
from homeport.storage.port import Storage
from homeport.storage.settling import settled

# The hosted service's rule: no hyphen first or last, not digits alone.
_NAME = re.compile(r"(?=.*[A-Za-z\-])[A-Za-z0-9][A-Za-z0-9\-]{1,48}[A-Za-z0-9]")


class Services:
    """The verbs on provisioning services; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def list(self) -> tuple[Sequence[ProvisioningService], Sequence[ServiceEvent]]:
        """Every service of the deployment."""
        return await self._storage.settings.services(), ()

    async def by_host(self, host_name: str) -> ProvisioningService:
        """The service that answers to a host name (bare, in lower case); with one service, any name is its own.

        Raises:
            HomeportError: NOT_FOUND.
        """
        services = await self._storage.settings.services()
        if len(services) == 1:
            return services[0]
        for service in services:
            if service.host_name.lower() == host_name:
                return service
        raise HomeportError(errors.NOT_FOUND, "No provisioning service answers to this host name.", cause="host")

    async def create(
        self, name: str, *, host_name: str, id_scope: IdScope | None = None, actor: str
    ) -> tuple[ProvisioningService, Sequence[ServiceEvent]]:
        """A new service with its default policy. Without `id_scope` it gets a fresh one.

        Raises:
            HomeportError: INVALID_REQUEST for a bad name; ALREADY_EXISTS if name, host name or ID scope is taken.
        """
        _check_name(name)

        async def attempt() -> tuple[ProvisioningService, Sequence[ServiceEvent]]:
            others = await self._storage.settings.services()
            service = self._new(name, host_name, id_scope, others)
            _check_unique(service, others)
            deed = Deed(
                service_id=service.service_id,
                kind="ServiceCreated",
                actor=actor,
                at=service.created_at,
                detail={"name": name, "hostName": host_name, "idScope": service.id_scope},
            )
            policy = new_policy(
                service.service_id,
                DEFAULT_SERVICE_POLICY,
                rights=PROVISIONING_RIGHTS,
                randomness=self._randomness,
            )
            await self._storage.apply([PutService(service=service), PutPolicy(policy=policy), deed.audit()])
            return service, (deed.event(),)

        return await settled(attempt)

    def _new(
        self, name: str, host_name: str, id_scope: IdScope | None, others: Sequence[ProvisioningService]
    ) -> ProvisioningService:
        return ProvisioningService(
            service_id=ServiceId(max((other.service_id for other in others), default=0) + 1),
            name=name,
            id_scope=id_scope or new_id_scope(self._randomness),
            host_name=host_name,
            allocation_policy=AllocationPolicy.HASHED,
            created_at=self._clock.now(),
        )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        rule = "A service's name has 3 to 50 letters, digits or hyphens, none first or last, and not digits alone."
        raise HomeportError(errors.INVALID_REQUEST, rule, info={"field": "name"})


def _check_unique(service: ProvisioningService, others: Sequence[ProvisioningService]) -> None:
    taken: dict[str, tuple[str, list[str]]] = {
        "name": (service.name, [other.name for other in others]),
        "hostName": (service.host_name, [other.host_name for other in others]),
        "idScope": (service.id_scope, [other.id_scope for other in others]),
    }
    for field, (wanted, existing) in taken.items():
        if folded(wanted) in {folded(other) for other in existing}:
            raise HomeportError(
                errors.ALREADY_EXISTS, f"The {field} {wanted} is another service's.", info={"field": field}
            )
