"""PostgreSQL is gone, or hangs: a clear 503, nothing acknowledged is lost, and service resumes by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import postgresql
from tests.faults import outage
from tests.loopback import Network, address
from tests.sockets.server_process import ServerProcess

ADDRESS = address(Network.DATABASE_GONE)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerProcess:
    monkeypatch.setenv("HOMEPORT_TEST_DATABASE", "postgresql")
    return ServerProcess(tmp_path, ADDRESS)


def test_a_server_that_has_crashed(server: ServerProcess) -> None:
    outage.play(server, crashed(), reads_go_on=False)


def test_a_server_that_does_not_answer(server: ServerProcess) -> None:
    outage.play(server, frozen(), reads_go_on=False)


@contextmanager
def crashed() -> Iterator[None]:
    """Stopped as by `kill -9`, and started again."""
    postgresql.server().stop("immediate")
    yield
    postgresql.server().start()


@contextmanager
def frozen() -> Iterator[None]:
    """Its processes stand still: connections stay, and even new ones are accepted by the kernel."""
    processes = postgresql.server().processes()
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
