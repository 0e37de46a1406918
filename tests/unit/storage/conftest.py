"""Databases on the tests' PostgreSQL server, for what only this engine has; and on each engine, for what looks at one
from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import postgresql
from tests.storage.conftest import ENGINES


@pytest.fixture
def url() -> Iterator[str]:
    """The URL of an empty database."""
    made = postgresql.fresh_database()
    yield made
    postgresql.give_back(made)


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for a database of its own: a file, or a URL."""
    place: str = request.getfixturevalue("url") if request.param == "postgresql" else str(tmp_path / "h.db")
    return place
