"""One server for all attacks; after each it must be healthy, after all of them its log must be clean.

With several workers each has a server of its own, at an address of its own.
"""

from collections.abc import Iterator

import pytest
from tests.hostile.site import Site
from tests.loopback import Network, address
from tests.sockets.server_process import ServerProcess


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server, at its most talkative."""
    server = ServerProcess(tmp_path_factory.mktemp("hostile"), address(Network.HOSTILE), log_level="debug")
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
