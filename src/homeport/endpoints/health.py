"""Is the process alive, is it ready, and what has it counted.

`/healthz` says that the event loop turns, `/readyz` that the storage answers and the listeners accept;
`/metrics` is for peers on the machine only, since its labels tell of hubs and policies.
"""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from homeport import errors
from homeport.endpoints.ports import Reports
from homeport.errors import HomeportError

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(
    *, check_storage: Callable[[], Awaitable[None]], is_listening: Callable[[], bool], reporter: Reports
) -> Sequence[BaseRoute]:
    """The three routes. `check_storage` raises StorageUnavailable when the storage does not answer."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        if not is_listening():
            raise HomeportError(errors.UNAVAILABLE, "The listeners are not open.", cause="NotListening")
        await check_storage()
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        if not _is_local(request):
            raise HomeportError(errors.NOT_FOUND, "This server has no such path.")
        return Response(reporter.metrics_page(), media_type=_EXPOSITION)

    return (
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    )


def _is_local(request: Request) -> bool:
    """Whether the peer is on this machine itself; a proxy on it speaks for somebody who is not."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    address = ip_address(request.client.host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
