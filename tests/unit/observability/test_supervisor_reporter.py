"""What happens to workers, in the log and in the node's metrics."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import values

from homeport.observability.logging import LogFormat, configure
from homeport.observability.metrics import Metrics, share_metrics
from homeport.observability.supervisor_reporter import SUPERVISOR, SupervisorReporter


class Observed:
    """A reporter, and what it has said."""

    def __init__(self, shared: Path) -> None:
        self.stream = io.StringIO()
        self.shared = shared
        share_metrics(shared, SUPERVISOR)
        self.reporter = SupervisorReporter(configure(LogFormat.JSON, "info", self.stream), shared)

    def line(self) -> dict[str, Any]:
        """The only line, without its time."""
        (text,) = self.stream.getvalue().splitlines()
        line: dict[str, Any] = json.loads(text)
        assert line.pop("time")
        assert line.pop("worker") == SUPERVISOR
        return line


@pytest.fixture
def observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Observed:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    return Observed(tmp_path / "metrics")


@pytest.mark.parametrize(
    ("tell", "line"),
    [
        (lambda it: it.worker_ready("0", pid=7), {"event": "worker_ready", "level": "info", "which": "0", "pid": 7}),
        (
            lambda it: it.worker_ended("0b", pid=7, exit_code=0, reason=""),
            {"event": "worker_ended", "level": "info", "which": "0b", "pid": 7, "exit_code": 0},
        ),
        (
            lambda it: it.worker_ended("0", pid=7, exit_code=-9, reason=""),
            {"event": "worker_ended", "level": "error", "which": "0", "pid": 7, "signal": "SIGKILL"},
        ),
        (
            lambda it: it.worker_ended("0", pid=7, exit_code=1, reason="no key"),
            {"event": "worker_ended", "level": "error", "which": "0", "pid": 7, "exit_code": 1, "reason": "no key"},
        ),
        (
            lambda it: it.worker_overdue("1", pid=7),
            {"event": "worker_overdue", "level": "error", "which": "1", "pid": 7},
        ),
        (
            lambda it: it.worker_silent("1", pid=7, seconds=30.0),
            {"event": "worker_silent", "level": "error", "which": "1", "pid": 7, "seconds": 30.0},
        ),
        (lambda it: it.rolling(), {"event": "rolling_restart", "level": "info"}),
        (lambda it: it.rolled(), {"event": "rolling_restart_done", "level": "info"}),
        (lambda it: it.roll_given_up("0b"), {"event": "rolling_restart_given_up", "level": "error", "which": "0b"}),
        (
            lambda it: it.configuration_refused("no TOML"),
            {"event": "configuration_refused", "level": "error", "reason": "no TOML"},
        ),
        (
            lambda it: it.configuration_needs_restart(["bind"]),
            {"event": "configuration_needs_restart", "level": "warning", "keys": ["bind"]},
        ),
        (
            lambda it: it.supervisor_stopping(at_once=True),
            {"event": "supervisor_stopping", "level": "info", "at_once": True},
        ),
    ],
)
def test_what_happens_is_logged(
    observed: Observed, tell: Callable[[SupervisorReporter], None], line: dict[str, Any]
) -> None:
    tell(observed.reporter)
    assert observed.line() == line


def test_a_restart_is_counted_for_the_slot(observed: Observed) -> None:
    observed.reporter.worker_restarting("1", pause=0.0)
    observed.stream.truncate(0)
    observed.stream.seek(0)
    observed.reporter.worker_restarting("1b", pause=0.5)
    assert observed.line() == {"event": "worker_restarting", "level": "warning", "which": "1b", "pause": 0.5}
    assert b'homeport_worker_restarts_total{worker="1"} 2.0' in Metrics(observed.shared).page()


def test_a_worker_that_has_ended_is_forgotten(observed: Observed) -> None:
    (observed.shared / "0.pid").write_text("1")
    (observed.shared / "gauge_livesum_0.db").touch()
    observed.reporter.worker_ended("0", pid=7, exit_code=0, reason="")
    assert not (observed.shared / "0.pid").exists()
    assert not (observed.shared / "gauge_livesum_0.db").exists()
