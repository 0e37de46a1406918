"""One homeport per test run, judges on demand, and people's verbs for the tests: enroll, derive, register.

Device programs are started afresh for each test, as a device would be; service and registry programs answer for the
whole run, since they keep nothing between two requests.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from conformance.fleet import DEVICE_ID, Fleet
from conformance.judges import Judge, install_node_packages
from conformance.server import LOG, Server, run

Judges = Callable[[str], Judge]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped case would let the matrix claim what nobody proved: it fails."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but the matrix relies on it"
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("homeport")
    with run(directory) as running:
        yield running
    if (directory / LOG).exists():
        assert_log_is_clean((directory / LOG).read_text())


def assert_log_is_clean(log: str) -> None:
    """Whatever the clients did, no failure was unforeseen and no device was named."""
    assert "Traceback" not in log
    assert DEVICE_ID.search(log) is None


@pytest.fixture(scope="session")
def node_packages() -> None:
    install_node_packages()


@pytest.fixture(scope="session")
def office(server: Server, node_packages: None) -> Iterator[Judges]:
    """Service and registry programs by client ID, started once."""
    with ExitStack() as running:
        yield cache(lambda client: running.enter_context(Judge(client, server.ca_file)))


@pytest.fixture
def device(server: Server, node_packages: None) -> Iterator[Judges]:
    """Device programs by client ID, fresh for this test."""
    with ExitStack() as running:
        yield cache(lambda client: running.enter_context(Judge(client, server.ca_file)))


@pytest.fixture
def fleet(server: Server, office: Judges, tmp_path: Path) -> Fleet:
    return Fleet(server, office("python-service"), tmp_path)
