"""The routes of a table: which spelling leads to which row."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from homeport import errors
from homeport.endpoints.tolerant_routes import table_routes
from homeport.errors import HomeportError
from homeport.security.authorization import Operation

TABLE = (
    ("POST", "/things/query", Operation.QUERY_REGISTRATIONS, "query"),
    ("GET", "/things/{id}", Operation.GET_REGISTRATION, "get"),
    ("DELETE", "/things/{id}", Operation.DELETE_REGISTRATION, "delete"),
)


async def _serve(request: Request, operation: Operation, verb: str) -> Response:
    return PlainTextResponse(f"{verb} {operation} {request.path_params.get('id', '')}")


def ask(method: str, path: str) -> str:
    async def asked() -> str:
        transport = httpx.ASGITransport(Starlette(routes=table_routes(TABLE, _serve)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.request(method, path)).text

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ["/things/a:b", "/THINGS/a:b", "/things/a:b/", "/things/a%3Ab"])
def test_words_match_in_any_case_and_ids_stay_as_they_are(path: str) -> None:
    assert ask("GET", path) == f"get {Operation.GET_REGISTRATION} a:b"


def test_the_first_row_that_fits_decides_and_an_id_may_be_its_word() -> None:
    assert ask("POST", "/things/query") == f"query {Operation.QUERY_REGISTRATIONS} "
    assert ask("GET", "/things/query") == f"get {Operation.GET_REGISTRATION} query"


def test_another_method_is_told_the_right_ones() -> None:
    with pytest.raises(HomeportError, check=lambda error: error.row is errors.METHOD_NOT_ALLOWED) as refused:
        ask("PUT", "/things/a")
    assert refused.value.info == {"allow": "GET, DELETE"}
