"""The embedded hub's service REST: device identities, twins, telemetry; from HTTP to the hub's verbs and back.

REST: Devices operations of the hub, and one route of our own, `/hub/events`. The Host header chooses the hub, so
that these paths live beside the service API's on one host. Authorization by SAS token of the hub's policies comes
first, then the version, then the body. Unlike elsewhere an error is answered here: its body is the catalogue's
plus `Message`, the one member that Node's `azure-iothub` reads (`ErrorCode:<name>;<text>`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from homeport import errors
from homeport.clock import Clock
from homeport.endpoints.failures import catalogued
from homeport.endpoints.http_answer import JSON, error_headers
from homeport.endpoints.ports import Reports
from homeport.endpoints.tolerant_routes import table_routes
from homeport.errors import HomeportError
from homeport.hubs.embedded.documents import (
    DeviceBody,
    TwinBody,
    device_document,
    message_document,
    read_device,
    read_twin,
    twin_document,
)
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.hubs.embedded.twins import operators_etag
from homeport.model.events import ServiceEvent
from homeport.model.hub_device import HubDevice, HubTwin, JsonObject
from homeport.model.identifiers import DeviceId, ETag, parse_device_id, parse_if_match
from homeport.model.linked_hub import LinkedHub
from homeport.protocols.conversation import Transport
from homeport.security.authorization import Authorizer, Operation, bare_host
from homeport.storage.port import StorageUnavailable
from homeport.wire.api_versions import served_version
from homeport.wire.error_body import error_body
from homeport.wire.json_body import read_as, read_object

T = TypeVar("T")

DEFAULT_EVENTS = 100
MAX_EVENTS = 1000
MAX_DEVICES = 1000

Answer = tuple[Response, Sequence[ServiceEvent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class HubApi:
    """The verbs that the routes lead to, and who may use them."""

    hub: EmbeddedHub
    authorizer: Authorizer
    reporter: Reports
    clock: Clock

    async def serve(self, request: Request, operation: Operation, verb: "Verb") -> Response:
        """Admit the caller, run the verb, report what happened; refusals become answers, faults are raised."""
        correlation_id = request.scope["state"]["correlation_id"]
        try:
            response, events = await verb(self, await self._admit(request, operation))
        except (HomeportError, StorageUnavailable) as error:
            ours = catalogued(
                error,
                self.reporter,
                operation=operation,
                transport=Transport.HTTPS,
                correlation_id=correlation_id,
            )
            return _refusal(ours, error_body(ours, tracking_id=correlation_id, now=self.clock.now()))
        self.reporter.report(events, transport=Transport.HTTPS, correlation_id=correlation_id)
        return response

    async def _admit(self, request: Request, operation: Operation) -> "Call":
        host = request.headers.get("host", "")
        hub = await self.hub.directory.answering_to(bare_host(host))
        if hub is None:
            raise HomeportError(errors.NOT_FOUND, "No embedded hub answers to this host name.", cause="host")
        actor = await self.authorizer.authorize(
            service_id=hub.service_id,
            authorization=request.headers.get("authorization"),
            host=host,
            operation=operation,
            path=request.scope["path"],
            hub_host_name=hub.host_name,
        )
        served_version(request.query_params.get("api-version"))
        return Call(request=request, hub=hub, actor=actor, body=await request.body())

    def device_view(self, device: HubDevice) -> JsonObject:
        """A device as it is now."""
        connected = self.hub.presence.is_connected(device.hub_host_name, device.device_id)
        return device_document(device, connected=connected)

    def device_answer(self, device: HubDevice) -> Response:
        """A device as it is now, with its etag as a header, too."""
        return _json(self.device_view(device), device.etag)

    def twin_answer(self, device: HubDevice, twin: HubTwin) -> Response:
        """A twin as it is now, with its etag as a header, too."""
        connected = self.hub.presence.is_connected(device.hub_host_name, device.device_id)
        return _json(twin_document(device, twin, connected=connected), operators_etag(twin))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """An admitted request: to which hub, by which policy, and what it carries."""

    request: Request
    hub: LinkedHub
    actor: str
    body: bytes

    @property
    def device_id(self) -> DeviceId:
        """The device ID in the path."""
        return parse_device_id(self.request.path_params["id"])

    @property
    def if_match(self) -> ETag | None:
        """The condition of the request."""
        return parse_if_match(self.request.headers.get("if-match"))

    def read(self, type_: type[T]) -> T:
        """The JSON body as a struct."""
        media_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise HomeportError(errors.UNSUPPORTED_MEDIA_TYPE, "Set its Content-Type header.")
        return read_as(read_object(self.body), type_)

    def number(self, name: str, default: int) -> int:
        """A whole number of the query string, not negative."""
        text = self.request.query_params.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise HomeportError(errors.INVALID_REQUEST, f"{name} is a whole number.", info={"field": name})
        return int(text)


Verb = Callable[[HubApi, Call], Awaitable[Answer]]


async def get_device(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Get Identity."""
    return api.device_answer(await api.hub.identities.show(call.hub, call.device_id)), ()


async def get_devices(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Get Devices. A `top` outside 1 to 1000 means 1000; what lies behind them is not to be had."""
    top = call.number("top", MAX_DEVICES)
    devices = await api.hub.identities.first(call.hub, top if 1 <= top <= MAX_DEVICES else MAX_DEVICES)
    return _json([api.device_view(device) for device in devices]), ()


async def put_device(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Create Or Update Identity. Clients accept 200 only."""
    wanted = read_device(call.read(DeviceBody), call.device_id)
    device, events = await api.hub.identities.put(call.hub, wanted, if_match=call.if_match, actor=call.actor)
    return api.device_answer(device), events


async def delete_device(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Delete Identity."""
    events = await api.hub.identities.delete(call.hub, call.device_id, if_match=call.if_match, actor=call.actor)
    return Response(status_code=204), events


async def get_twin(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Get Twin."""
    return api.twin_answer(*await api.hub.twins.show(call.hub, call.device_id)), ()


async def patch_twin(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Update Twin."""
    patch = read_twin(call.read(TwinBody), call.device_id)
    seen, events = await api.hub.twins.patch(call.hub, call.device_id, patch, if_match=call.if_match, actor=call.actor)
    return api.twin_answer(*seen), events


async def put_twin(api: HubApi, call: Call) -> Answer:
    """REST: Devices - Replace Twin. Sections that the body leaves out become empty."""
    patch = read_twin(call.read(TwinBody), call.device_id)
    seen, events = await api.hub.twins.replace(
        call.hub, call.device_id, patch, if_match=call.if_match, actor=call.actor
    )
    return api.twin_answer(*seen), events


async def get_events(api: HubApi, call: Call) -> Answer:
    """Ours: telemetry behind the sequence number `after`, up to `top` messages, oldest first.

    `received` and `dropped` count since the node's start: the messages that came, and those of them that are gone.
    Each node has its own; a front that chooses nodes shows now this one's, now that one's.
    """
    recent = api.hub.memory.messages(
        call.hub.host_name, after=call.number("after", 0), limit=min(call.number("top", DEFAULT_EVENTS), MAX_EVENTS)
    )
    events = [message_document(message) for message in recent.messages]
    return _json({"received": recent.received, "dropped": recent.dropped, "events": events}), ()


TABLE: tuple[tuple[str, str, Operation, Verb], ...] = (
    ("GET", "/devices", Operation.GET_DEVICES, get_devices),
    ("GET", "/devices/{id}", Operation.GET_DEVICE, get_device),
    ("PUT", "/devices/{id}", Operation.PUT_DEVICE, put_device),
    ("DELETE", "/devices/{id}", Operation.DELETE_DEVICE, delete_device),
    ("GET", "/twins/{id}", Operation.GET_TWIN, get_twin),
    ("PATCH", "/twins/{id}", Operation.UPDATE_TWIN, patch_twin),
    ("PUT", "/twins/{id}", Operation.UPDATE_TWIN, put_twin),
    ("GET", "/hub/events", Operation.READ_HUB_EVENTS, get_events),
)


def routes(api: HubApi) -> list[BaseRoute]:
    """The routes of the hub's REST API, for the router of `WebApplication`."""
    return table_routes(TABLE, api.serve)


def _json(value: Any, etag: ETag | None = None) -> Response:
    response = Response(msgspec.json.encode(value), media_type=JSON)
    if etag is not None:
        response.headers["ETag"] = etag
    return response


def _refusal(error: HomeportError, body: bytes) -> Response:
    """An error in both shapes. The client splits `Message` at semicolons, so its text has none."""
    # Python's azure-iot-hub reads the status only; Node's tells by the code whether it is a DeviceNotFoundError.
    text = error.message.replace(";", ",")
    both = {**msgspec.json.decode(body), "Message": f"ErrorCode:{error.row.name};{text}"}
    response = Response(msgspec.json.encode(both), error.row.status, dict(error_headers(error)), media_type=JSON)
    if error.row is errors.BODY_TOO_LARGE:
        response.headers["Connection"] = "close"
    return response
