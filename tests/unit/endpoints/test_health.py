"""Alive, ready, counted; and who may read the counts."""

import pytest
from tests.unit.endpoints.edge import Edge, Identity, Reporter, run

from homeport.endpoints.health import health_routes
from homeport.storage.port import StorageUnavailable


class Parts:
    """What readiness depends on."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.listening = True

    async def check_storage(self) -> None:
        if self.failure is not None:
            raise self.failure

    def is_listening(self) -> bool:
        return self.listening


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.mark.parametrize("listener", ["https", "plain_http"])
def test_alive_ready_counted(server: Identity, parts: Parts, listener: str) -> None:
    async def scenario(edge: Edge) -> None:
        client = await (edge.connect() if listener == "https" else edge.connect_plain(listener))
        assert (await client.ask("GET", "/healthz")).json == {"status": "alive"}
        assert (await client.ask("GET", "/readyz")).json == {"status": "ready"}
        metrics = await client.ask("GET", "/metrics")
        assert metrics.body == b"homeport_up 1\n"
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        await client.close()

    run(server, scenario, routes=routes(parts))


def test_not_ready(server: Identity, parts: Parts) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        parts.failure = StorageUnavailable("/secret/path")
        refused = await client.ask("GET", "/readyz")
        assert (refused.status, refused.json["errorCode"]) == (503, 503001)
        assert b"secret" not in refused.body
        parts.failure, parts.listening = None, False
        assert (await client.ask("GET", "/readyz")).status == 503
        assert (await client.ask("GET", "/healthz")).status == 200
        await client.close()

    run(server, scenario, routes=routes(parts))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded"])
def test_metrics_are_not_for_those_behind_a_proxy(server: Identity, parts: Parts, header: str) -> None:
    async def scenario(edge: Edge) -> None:
        client = await edge.connect()
        assert (await client.ask("GET", "/metrics", **{header: "203.0.113.9"})).status == 404
        await client.close()

    run(server, scenario, routes=routes(parts))


def routes(parts: Parts) -> list[object]:
    return list(health_routes(check_storage=parts.check_storage, is_listening=parts.is_listening, reporter=Reporter()))
