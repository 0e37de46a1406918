"""Throw-away certificates, made once."""

from pathlib import Path

import pytest
from tests.unit.endpoints.edge import Identity, make_certificate, write_identity


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="session")
def server(certificates: Path) -> Identity:
    return write_identity(certificates, "server")


@pytest.fixture(scope="session")
def self_signed(certificates: Path) -> Identity:
    return write_identity(certificates, "self-signed")


@pytest.fixture(scope="session")
def chained(certificates: Path) -> Identity:
    root = make_certificate("root")
    return write_identity(certificates, "chained", issuers=[make_certificate("intermediate", root)])
