"""The servers of these tests have one trouble each: a machine that is busy with other tests is not to be another."""

import pytest


@pytest.fixture(autouse=True)
def _is_never_overloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_LIMITS_TARGET_LAG_MS", "0")


@pytest.fixture
def on_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the rest of the suite runs on."""
    monkeypatch.delenv("HOMEPORT_TEST_DATABASE", raising=False)
