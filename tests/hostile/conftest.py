"""One server for all attacks; after each it must be healthy, after all of them its log must be clean."""

from collections.abc import Iterator

import pytest
from tests.hostile.site import Site
from tests.sockets.server_process import ServerProcess

_ADDRESS = "127.0.0.71"
_HERE = "tests/hostile/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers, all attacks run in one: the address can be taken once."""
    for item in items:
        if item.nodeid.startswith(_HERE):
            item.add_marker(pytest.mark.xdist_group("hostile"))


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server, at its most talkative."""
    server = ServerProcess(tmp_path_factory.mktemp("hostile"), _ADDRESS, log_level="debug")
    try:
        site = Site.open(server)
        yield site
        server.stop()
        site.check_log()
    finally:
        server.end()


@pytest.fixture
def site(attacked: Site) -> Iterator[Site]:
    """The server before an attack; afterwards it serves as if nothing had been."""
    yield attacked
    attacked.check_health()
