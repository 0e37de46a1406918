"""The hubs that a service may assign devices to: link one, list them.

REST (management): `iotHubs`. An embedded hub gets its own policy on the way, as a new hub of the hosted kind has
one. Which connectors exist is for `hubs/registry.py` to know.
"""

import re
from collections.abc import Sequence

from homeport import errors
from homeport.administration.access_policies import DEFAULT_HUB_POLICY, new_policy
from homeport.administration.trail import Deed
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.access_policy import HUB_RIGHTS
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.storage.changes import Change, PutLinkedHub, PutPolicy
from homeport.storage.port import Storage
from homeport.storage.settling import settled

EMBEDDED = "embedded"
"""The connector of the hub in the box."""
MAX_LINKED_HUBS = 50

_WEIGHTS = range(1, 1001)
_HOST_NAME = re.compile(r"[A-Za-z0-9._:\-]{1,253}")


class LinkedHubs:
    """The verbs on linked hubs; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def list(self, service_id: ServiceId) -> tuple[Sequence[LinkedHub], Sequence[ServiceEvent]]:
        """The hubs of a service, in the order of their host names."""
        return await self._storage.settings.linked_hubs(service_id), ()

    async def link(self, hub: LinkedHub, *, actor: str) -> tuple[LinkedHub, Sequence[ServiceEvent]]:
        """Link a hub; an embedded one gets its policy, with all rights.

        Raises:
            HomeportError: INVALID_REQUEST for a bad host name or weight, or too many hubs; ALREADY_EXISTS.
        """
        _check(hub)

        async def attempt() -> tuple[LinkedHub, Sequence[ServiceEvent]]:
            _check_new(hub, await self._storage.settings.linked_hubs(hub.service_id))
            deed = Deed(
                service_id=hub.service_id,
                kind="HubLinked",
                actor=actor,
                at=self._clock.now(),
                detail={"hubHostName": hub.host_name, "connector": hub.connector},
            )
            await self._storage.apply([PutLinkedHub(hub=hub), *await self._policy_for(hub), deed.audit()])
            return hub, (deed.event(),)

        return await settled(attempt)

    async def _policy_for(self, hub: LinkedHub) -> Sequence[Change]:
        """The default policy of an embedded hub, unless it has kept one from an earlier link."""
        if hub.connector != EMBEDDED:
            return ()
        if await self._storage.settings.policy(hub.service_id, DEFAULT_HUB_POLICY, hub.host_name) is not None:
            return ()
        policy = new_policy(
            hub.service_id,
            DEFAULT_HUB_POLICY,
            rights=HUB_RIGHTS,
            randomness=self._randomness,
            hub_host_name=hub.host_name,
        )
        return (PutPolicy(policy=policy),)


def _check(hub: LinkedHub) -> None:
    if not _HOST_NAME.fullmatch(hub.host_name):
        raise _refused("A hub's host name is a DNS name or an IP address.", "hostName")
    if hub.allocation_weight not in _WEIGHTS:
        raise _refused("The allocation weight is a whole number from 1 to 1000.", "allocationWeight")


def _check_new(hub: LinkedHub, linked: Sequence[LinkedHub]) -> None:
    if hub.host_name.lower() in {other.host_name.lower() for other in linked}:
        raise HomeportError(errors.ALREADY_EXISTS, f"The hub {hub.host_name} is linked.", info={"field": "hostName"})
    if len(linked) >= MAX_LINKED_HUBS:
        raise _refused(f"A service has at most {MAX_LINKED_HUBS} linked hubs.", "hostName")


def _refused(detail: str, field: str) -> HomeportError:
    return HomeportError(errors.INVALID_REQUEST, detail, info={"field": field})
