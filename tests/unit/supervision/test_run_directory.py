"""The run directory: fresh, private, gone at the end; and what was killed is swept up by the next."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from homeport.supervision import run_directory as module
from homeport.supervision.run_directory import run_directory


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is made."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}:/elsewhere")
    return tmp_path


def test_it_is_private_and_gone_at_the_end(parent: Path) -> None:
    with run_directory() as directory:
        assert directory.parent == parent
        assert directory.stat().st_mode & 0o777 == 0o700
        (directory / "metrics").mkdir()
        (directory / "metrics" / "counter_0.db").touch()
    assert list(parent.iterdir()) == []


def test_without_a_service_manager_it_is_among_the_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    with run_directory() as directory:
        assert directory.parent == Path(tempfile.gettempdir())


def test_two_servers_do_not_touch_each_other(parent: Path) -> None:
    with run_directory() as first, run_directory() as second:
        assert first != second
        assert first.exists()
        assert second.exists()


def test_what_a_killed_server_has_left_is_removed(parent: Path) -> None:
    left = parent / "homeport-run-left"
    left.mkdir()
    (left / "telemetry.db").touch()
    another = parent / "something-else"
    another.mkdir()
    with run_directory():
        assert not left.exists()
        assert another.exists()


def test_what_another_start_takes_for_left_behind_is_made_again(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes between the making and the locking."""
    locked, seen = module._locked, []

    def too_late(directory: Path) -> int:
        seen.append(directory)
        if len(seen) == 1:
            directory.rmdir()
        return locked(directory)

    monkeypatch.setattr(module, "_locked", too_late)
    with run_directory() as directory:
        assert directory == seen[-1]
        assert directory.exists()
    assert len(seen) == 2


def test_many_that_start_at_once_all_have_one(parent: Path) -> None:
    def live(_: int) -> bool:
        with run_directory() as directory:
            (directory / "file").touch()
            return (directory / "file").exists()

    with ThreadPoolExecutor(8) as crowd:
        assert all(crowd.map(live, range(64)))
