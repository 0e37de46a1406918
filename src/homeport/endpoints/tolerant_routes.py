"""A table of (method, path, operation, verb) as Starlette routes, as tolerant as shipped clients need.

The service API and the hub's REST each have such a table. Path words match ignoring case, with or without a
slash at the end; a path of the table with another method is a 405 that names the right ones.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport import errors
from homeport.errors import HomeportError
from homeport.security.authorization import Operation

V = TypeVar("V")
Endpoint = Callable[[Request], Awaitable[Response]]


def table_routes(
    table: Sequence[tuple[str, str, Operation, V]], serve: Callable[[Request, Operation, V], Awaitable[Response]]
) -> list[BaseRoute]:
    """The routes of a table, in its order; each hands its row's operation and verb to `serve`."""
    methods: dict[str, list[str]] = {}
    for method, path, _, _ in table:
        methods.setdefault(path, []).append(method)
    served = [
        TolerantRoute(path, _endpoint(serve, operation, verb), methods=[method], name=operation)
        for method, path, operation, verb in table
    ]
    # Behind the others, with all methods: what comes here has the path of one of them, and another's method.
    return [
        *served,
        *(TolerantRoute(path, _wrong_method(allowed), name="methodNotAllowed") for path, allowed in methods.items()),
    ]


class TolerantRoute(Route):
    """A route whose words are matched ignoring case, with or without a slash at the end.

    Shipped clients need both: one writes `enrollmentgroups`, two end the bulk path with a slash.
    """

    def __init__(
        self, path: str, endpoint: Endpoint, *, methods: Sequence[str] | None = None, name: str | None = None
    ) -> None:
        super().__init__(path, endpoint, methods=methods, name=name)
        if methods is None:
            # The base takes none to mean GET; here it means all of them.
            self.methods = set()
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + "/?$", re.IGNORECASE)


def _endpoint(serve: Callable[[Request, Operation, V], Awaitable[Response]], operation: Operation, verb: V) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await serve(request, operation, verb)

    return endpoint


def _wrong_method(allowed: Sequence[str]) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        names = ", ".join(allowed)
        raise HomeportError(errors.METHOD_NOT_ALLOWED, f"Use {names}.", info={"allow": names})

    return endpoint
