"""What happens to workers, told to the log and to the metrics. The supervisor's counterpart of `reporter.py`.

Fits the shape that `supervision/supervisor.py` asks for.
"""

import signal
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from homeport.observability.metrics import Metrics, forget_worker

SUPERVISOR = "supervisor"
"""The supervisor's label among the workers'."""


class SupervisorReporter:
    """One for each supervisor. `shared` is the directory of the node's metrics."""

    def __init__(self, logger: FilteringBoundLogger, shared: Path) -> None:
        self._logger = logger.bind(worker=SUPERVISOR)
        self._shared = shared
        self._restarts = Metrics(shared).worker_restarts

    def worker_ready(self, worker: str, *, pid: int) -> None:
        """All listeners of a worker accept."""
        self._logger.info("worker_ready", which=worker, pid=pid)

    def worker_ended(self, worker: str, *, pid: int, exit_code: int, reason: str) -> None:
        """A worker has ended, well or not; `reason` is what it said if it could not start."""
        forget_worker(self._shared, worker)
        ended = {"exit_code": exit_code} if exit_code >= 0 else {"signal": signal.Signals(-exit_code).name}
        level = self._logger.error if exit_code else self._logger.info
        level("worker_ended", which=worker, pid=pid, **ended, **({"reason": reason} if reason else {}))

    def worker_restarting(self, worker: str, *, pause: float) -> None:
        """A worker ended unasked; another one takes its slot after `pause` seconds."""
        self._restarts.labels(worker.removesuffix("b")).inc()
        self._logger.warning("worker_restarting", which=worker, pause=pause)

    def worker_overdue(self, worker: str, *, pid: int) -> None:
        """A worker did not become ready, or did not end, in its time; it is killed."""
        self._logger.error("worker_overdue", which=worker, pid=pid)

    def worker_silent(self, worker: str, *, pid: int, seconds: float) -> None:
        """A worker's event loop has stood still for so long; it is killed, and its stacks are on standard error."""
        self._logger.error("worker_silent", which=worker, pid=pid, seconds=seconds)

    def rolling(self) -> None:
        """Every worker is about to be relieved, one after the other."""
        self._logger.info("rolling_restart")

    def rolled(self) -> None:
        """Every worker has been relieved."""
        self._logger.info("rolling_restart_done")

    def roll_given_up(self, worker: str) -> None:
        """A relief could not start; those that serve go on."""
        self._logger.error("rolling_restart_given_up", which=worker)

    def configuration_refused(self, reason: str) -> None:
        """The configuration was read again and cannot be used; nothing changes."""
        self._logger.error("configuration_refused", reason=reason)

    def configuration_needs_restart(self, keys: list[str]) -> None:
        """What the supervisor itself has made of the configuration stays until it is started again."""
        self._logger.warning("configuration_needs_restart", keys=keys)

    def supervisor_stopping(self, *, at_once: bool) -> None:
        """All workers are told to end."""
        self._logger.info("supervisor_stopping", at_once=at_once)
