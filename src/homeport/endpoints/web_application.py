"""The ASGI application of all HTTP but the device API: routing, limits, and the one shape of every error.

Routes come from `service_api.py`, `hub_api.py`, `health.py`; an endpoint raises HomeportError to refuse. This
boundary gives each request its correlation ID (`request.state.correlation_id`), bounds its body, and turns
what escapes into an answer. Knows no socket; counterpart: `web.py`.
"""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Router
from starlette.types import Message, Receive, Scope, Send

from homeport import errors
from homeport.endpoints.device_routes import is_device_path
from homeport.endpoints.failures import catalogued
from homeport.endpoints.http_answer import JSON, STRICT_TRANSPORT_SECURITY, error_headers
from homeport.endpoints.http_limits import body_too_large
from homeport.endpoints.ports import EdgeServices
from homeport.errors import HomeportError
from homeport.protocols.conversation import Transport
from homeport.wire.error_body import error_body

MAX_BODY = 512 * 1024
_TRANSPORT = Transport.HTTPS
_UNROUTED = "unrouted"


class WebApplication:
    """An ASGI application over Starlette's router."""

    def __init__(self, routes: Sequence[BaseRoute], services: EdgeServices) -> None:
        self._router = Router(routes, redirect_slashes=False)
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises nothing but cancellation."""
        services = self._services
        started = services.clock.monotonic()
        exchange = _Exchange(receive, send, request_id=services.randomness.guid())
        # With an `app` the router raises what it has no route for, instead of answering in a shape of its own.
        scope["app"] = self
        scope.setdefault("state", {})["correlation_id"] = exchange.request_id
        try:
            await self._route(scope, exchange)
        except ClientDisconnect:
            return
        except HTTPException as error:
            await self._refuse(_routing_error(error), scope, exchange)
        except Exception as error:
            await self._refuse(error, scope, exchange)
        services.reporter.request_served(
            operation=_operation(scope),
            status=exchange.status,
            seconds=services.clock.monotonic() - started,
            transport=_TRANSPORT,
        )

    async def _route(self, scope: Scope, exchange: "_Exchange") -> None:
        if is_device_path(scope["raw_path"]):
            raise HomeportError(errors.MISDIRECTED, "It began with another request; open another one for this.")
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > MAX_BODY:
                raise body_too_large(MAX_BODY)
        await self._router(scope, exchange.receive, exchange.send)

    async def _refuse(self, error: Exception, scope: Scope, exchange: "_Exchange") -> None:
        services = self._services
        ours = catalogued(
            error,
            services.reporter,
            operation=_operation(scope),
            transport=_TRANSPORT,
            correlation_id=exchange.request_id,
        )
        if not exchange.started:
            body = error_body(ours, tracking_id=exchange.request_id, now=services.clock.now())
            response = Response(body, ours.row.status, dict(error_headers(ours)), media_type=JSON)
            if ours.row in (errors.MISDIRECTED, errors.BODY_TOO_LARGE):
                response.headers["Connection"] = "close"
            await response(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request's messages: bounds those that come in, marks those that go out."""

    def __init__(self, receive: Receive, send: Send, *, request_id: str) -> None:
        self._receive = receive
        self._send = send
        self._received = 0
        self.request_id = request_id
        self.status = 0

    @property
    def started(self) -> bool:
        """Whether the answer's head has left."""
        return self.status != 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY:
            raise body_too_large(MAX_BODY)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-ms-request-id", self.request_id.encode()),
                (b"strict-transport-security", STRICT_TRANSPORT_SECURITY.encode()),
            ]
        await self._send(message)


def _operation(scope: Scope) -> str:
    """The route's name, for the metrics; a path would be without bound."""
    return getattr(scope.get("route"), "name", None) or _UNROUTED


def _routing_error(error: HTTPException) -> HomeportError:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return HomeportError(errors.NOT_FOUND, "This server has no such path.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return HomeportError(errors.METHOD_NOT_ALLOWED, f"Use {allowed}.", info={"allow": allowed})
    return HomeportError(errors.INVALID_REQUEST, error.detail)
