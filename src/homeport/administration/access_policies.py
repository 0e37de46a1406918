"""Shared access policies: who may call the service API, or an embedded hub, and with which rights.

REST (management): `authorizationPolicies`. A policy of a hub is told apart by `hub_host_name`; it has the hub's
rights, one of the service the service's. Checked at each request by `security/authorization.py`.
"""

import enum
import re
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from homeport import errors
from homeport.administration.trail import Deed
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.model.access_policy import HUB_RIGHTS, PROVISIONING_RIGHTS, AccessRight, SharedAccessPolicy
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.security.key_derivation import encode_key
from homeport.storage.changes import Change, DeletePolicy, PutPolicy
from homeport.storage.port import Storage
from homeport.storage.settling import settled

DEFAULT_SERVICE_POLICY = "provisioningserviceowner"
DEFAULT_HUB_POLICY = "iothubowner"

_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class PolicyKey(enum.StrEnum):
    """Which of a policy's keys to make anew."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    BOTH = "both"


class AccessPolicies:
    """The verbs on shared access policies; each returns its value and the events to report."""

    def __init__(self, *, storage: Storage, clock: Clock, randomness: Randomness) -> None:
        self._storage = storage
        self._clock = clock
        self._randomness = randomness

    async def list(
        self, service_id: ServiceId, *, hub_host_name: str | None = None
    ) -> tuple[Sequence[SharedAccessPolicy], Sequence[ServiceEvent]]:
        """The policies of the service, or of one of its embedded hubs, with their keys."""
        return await self._storage.settings.policies(service_id, hub_host_name), ()

    async def show(
        self, service_id: ServiceId, key_name: str, *, hub_host_name: str | None = None
    ) -> tuple[SharedAccessPolicy, Sequence[ServiceEvent]]:
        """One policy with its keys; its name is compared ignoring case.

        Raises:
            HomeportError: NOT_FOUND.
        """
        return await self._existing(service_id, key_name, hub_host_name), ()

    async def create(
        self,
        service_id: ServiceId,
        key_name: str,
        *,
        rights: Collection[AccessRight],
        hub_host_name: str | None = None,
        actor: str,
    ) -> tuple[SharedAccessPolicy, Sequence[ServiceEvent]]:
        """A new policy with two fresh keys.

        Raises:
            HomeportError: INVALID_REQUEST for a bad name, rights that do not fit or a hub that is not linked;
                ALREADY_EXISTS.
        """
        _check_name(key_name)
        _check_rights(rights, hub_host_name)
        policy = new_policy(
            service_id, key_name, rights=rights, hub_host_name=hub_host_name, randomness=self._randomness
        )

        async def attempt() -> tuple[SharedAccessPolicy, Sequence[ServiceEvent]]:
            if hub_host_name is not None:
                _check_linked(hub_host_name, await self._storage.settings.linked_hubs(service_id))
            if await self._storage.settings.policy(service_id, key_name, hub_host_name) is not None:
                raise HomeportError(errors.ALREADY_EXISTS, "Delete it first, or choose another name.")
            return policy, await self._write(policy, PutPolicy(policy=policy), kind="PolicyCreated", actor=actor)

        return await settled(attempt)

    async def regenerate(
        self,
        service_id: ServiceId,
        key_name: str,
        *,
        which: PolicyKey,
        hub_host_name: str | None = None,
        actor: str,
    ) -> tuple[SharedAccessPolicy, Sequence[ServiceEvent]]:
        """Fresh keys for a policy; tokens made with the old ones are refused from now on.

        Raises:
            HomeportError: NOT_FOUND.
        """

        async def attempt() -> tuple[SharedAccessPolicy, Sequence[ServiceEvent]]:
            stored = await self._existing(service_id, key_name, hub_host_name)
            primary = stored.primary_key if which is PolicyKey.SECONDARY else _fresh_key(self._randomness)
            secondary = stored.secondary_key if which is PolicyKey.PRIMARY else _fresh_key(self._randomness)
            policy = replace(stored, primary_key=primary, secondary_key=secondary)
            change = PutPolicy(policy=policy)
            return policy, await self._write(policy, change, kind="PolicyKeysRegenerated", actor=actor)

        return await settled(attempt)

    async def delete(
        self, service_id: ServiceId, key_name: str, *, hub_host_name: str | None = None, actor: str
    ) -> tuple[None, Sequence[ServiceEvent]]:
        """Delete a policy; tokens made with its keys are refused from now on.

        Raises:
            HomeportError: NOT_FOUND.
        """

        async def attempt() -> tuple[None, Sequence[ServiceEvent]]:
            stored = await self._existing(service_id, key_name, hub_host_name)
            removal = DeletePolicy(service_id=service_id, key_name=stored.key_name, hub_host_name=stored.hub_host_name)
            return None, await self._write(stored, removal, kind="PolicyDeleted", actor=actor)

        return await settled(attempt)

    async def _existing(self, service_id: ServiceId, key_name: str, hub_host_name: str | None) -> SharedAccessPolicy:
        policy = await self._storage.settings.policy(service_id, key_name, hub_host_name)
        if policy is None:
            raise HomeportError(errors.NOT_FOUND, f"There is no shared access policy {key_name[:64]!r}.")
        return policy

    async def _write(
        self, policy: SharedAccessPolicy, change: Change, *, kind: str, actor: str
    ) -> Sequence[ServiceEvent]:
        detail = {"keyName": policy.key_name}
        if policy.hub_host_name is not None:
            detail["hubHostName"] = policy.hub_host_name
        deed = Deed(service_id=policy.service_id, kind=kind, actor=actor, at=self._clock.now(), detail=detail)
        await self._storage.apply([change, deed.audit()])
        return (deed.event(),)


def new_policy(
    service_id: ServiceId,
    key_name: str,
    *,
    rights: Collection[AccessRight],
    randomness: Randomness,
    hub_host_name: str | None = None,
) -> SharedAccessPolicy:
    """A policy with two fresh keys of 32 bytes, not yet stored."""
    return SharedAccessPolicy(
        service_id=service_id,
        key_name=key_name,
        primary_key=_fresh_key(randomness),
        secondary_key=_fresh_key(randomness),
        rights=frozenset(rights),
        hub_host_name=hub_host_name,
    )


def _fresh_key(randomness: Randomness) -> str:
    return encode_key(randomness.token(_KEY_BYTES))


def _check_name(key_name: str) -> None:
    if not _NAME.fullmatch(key_name):
        rule = "A policy's name has 1 to 64 letters, digits, '.', '_' or '-'."
        raise HomeportError(errors.INVALID_REQUEST, rule, info={"field": "keyName"})


def _check_linked(hub_host_name: str, linked: Sequence[LinkedHub]) -> None:
    names = [hub.host_name for hub in linked]
    if hub_host_name not in names:
        rule = f"{hub_host_name[:255]!r} is not a linked hub. Linked: {', '.join(names) or 'none'}."
        raise HomeportError(errors.INVALID_REQUEST, rule, info={"field": "hubHostName"})


def _check_rights(rights: Collection[AccessRight], hub_host_name: str | None) -> None:
    possible = PROVISIONING_RIGHTS if hub_host_name is None else HUB_RIGHTS
    if not rights or not possible.issuperset(rights):
        choices = ", ".join(sorted(possible))
        raise HomeportError(errors.INVALID_REQUEST, f"Give one or more of {choices}.", info={"field": "rights"})
