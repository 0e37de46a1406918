"""One running server for the verbs that ask one, and a terminal to type commands into.

Each process of the suite has a server of its own, at an address of its own: several may run at once.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.sockets.server_process import Deployment, ServerProcess
from tests.unit.cli.terminal import Terminal


def _address(network: int) -> str:
    """A loopback address that no other living process takes."""
    high, low = divmod(os.getpid() % 65_025, 255)
    return f"127.{network}.{high}.{low + 1}"


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Deployment]]:
    server = ServerProcess(tmp_path_factory.mktemp("cli"), _address(81))
    try:
        yield server, server.start()
        server.stop()
    finally:
        server.end()


@pytest.fixture(scope="session")
def deployment(_server: tuple[ServerProcess, Deployment]) -> Deployment:
    """How to reach the running server."""
    return _server[1]


@pytest.fixture(scope="session")
def server_log(_server: tuple[ServerProcess, Deployment]) -> Callable[[], str]:
    """What the running server has logged so far."""
    return _server[0].log


@pytest.fixture(scope="session")
def at_server(_server: tuple[ServerProcess, Deployment]) -> Terminal:
    """A terminal on the machine of the running server."""
    return Terminal(_server[0].data_dir)


@pytest.fixture
def nowhere(tmp_path: Path) -> Terminal:
    """A terminal where nothing has been started."""
    return Terminal(tmp_path / "nothing")


@pytest.fixture
def address() -> str:
    """An address of this process's own, for a server that a test starts itself."""
    return _address(82)
