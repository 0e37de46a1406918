"""Every storage test that takes a `database` is played on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import postgresql

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place for a database of its own: a file, or a URL."""
    if request.param == "sqlite":
        yield str(tmp_path / "h.db")
        return
    url = postgresql.fresh_database()
    yield url
    postgresql.give_back(url)
