"""The service API as a client meets it: the real ASGI application over a database of its own, without a socket."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import httpx
from tests.throttles import throttle
from tests.unit.administration.world import HOST, World, opened

from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.service_api import ServiceApi, routes
from homeport.endpoints.web_application import WebApplication
from homeport.errors import HomeportError
from homeport.model.access_policy import AccessRight
from homeport.model.events import ServiceEvent
from homeport.security.authorization import Authorizer
from homeport.security.sas import decode_key, sign_sas_token

OWNER = "provisioningserviceowner"
VERSION = "2021-10-01"


@dataclass
class Recorder:
    """Keeps what the edge reports."""

    events: list[ServiceEvent] = field(default_factory=list)
    refusals: list[HomeportError] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    outages: list[str] = field(default_factory=list)
    served: list[tuple[str, int]] = field(default_factory=list)
    correlation_ids: list[str] = field(default_factory=list)

    def report(self, events: Iterable[ServiceEvent], *, transport: str, correlation_id: str) -> None:
        self.events += events
        self.correlation_ids.append(correlation_id)

    def refused(self, error: HomeportError, *, operation: str, transport: str, correlation_id: str) -> None:
        self.refusals.append(error)

    def crashed(self, error: BaseException, *, operation: str, transport: str, correlation_id: str) -> None:
        self.crashes.append(error)

    def storage_failed(self, reason: str) -> None:
        self.outages.append(reason)

    def request_served(self, *, operation: str, status: int, seconds: float, transport: str) -> None:
        self.served.append((operation, status))


@dataclass
class Api:
    """A caller. Without other words it signs with the default policy and asks for a usual version."""

    world: World
    recorder: Recorder
    http: httpx.AsyncClient

    async def call(
        self,
        method: str,
        path: str,
        *,
        policy: str = OWNER,
        version: str | None = VERSION,
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """One request; `content` is httpx's (`json`, `content`)."""
        sent = {"Authorization": await self.token(policy), **(headers or {})}
        parameters = {} if version is None else {"api-version": version}
        url = httpx.URL(f"https://{HOST}{path}")
        return await self.http.request(method, url.copy_merge_params(parameters), headers=sent, **content)

    async def token(self, policy: str, *, resource: str = HOST) -> str:
        """A SAS token of a policy, good for an hour."""
        shown, _ = await self.world.policies.show(self.world.service_id, policy)
        expiry = int(self.world.clock.now().timestamp()) + 3600
        key = decode_key(shown.primary_key)
        return sign_sas_token(resource=quote_plus(resource), key=key, expiry=expiry, key_name=policy)

    async def policy(self, name: str, *rights: AccessRight) -> str:
        """A policy with these rights only."""
        with suppress(HomeportError):
            await self.world.policies.create(self.world.service_id, name, rights=rights, actor="test")
        return name


Scenario = Callable[[Api], Awaitable[None]]


def in_api(scenario: Scenario) -> Callable[[], None]:
    """Make a test of a coroutine that takes a caller. Whatever it does must not crash the server."""

    async def lived() -> None:
        async with opened() as world:
            recorder = Recorder()
            transport = httpx.ASGITransport(application(world, recorder))
            async with httpx.AsyncClient(transport=transport) as http:
                await scenario(Api(world, recorder, http))
            assert recorder.crashes == []

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test


def application(world: World, recorder: Recorder) -> WebApplication:
    """The application as it is wired, with the device's rooms left empty."""
    api = ServiceApi(
        services=world.services,
        enrollments=world.enrollments,
        groups=world.groups,
        registrations=world.registrations,
        authorizer=Authorizer(policies=world.storage.settings, clock=world.clock),
        throttle=throttle(),
        reporter=recorder,  # type: ignore[arg-type]
    )
    nobody: Any = object()
    edge: Any = EdgeServices(
        registrations=nobody,
        hubs=nobody,
        failures=nobody,
        reporter=recorder,
        throttle=throttle(),
        clock=world.clock,
        randomness=world.randomness,
    )
    return WebApplication(routes(api), edge)


def key(size: int) -> str:
    """A base64 key of so many bytes."""
    return base64.b64encode(bytes(range(size))).decode()
