"""The processes of a node, measured by any of them: memory, CPU and files, as Prometheus' clients name them.

A file in the shared directory says which process has which label. Counterpart: `metrics.py`.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SUFFIX = ".pid"


def note_process(directory: Path, worker: str) -> None:
    """This process has the label `worker` from now on."""
    (directory / f"{worker}{_SUFFIX}").write_text(str(os.getpid()), encoding="ascii")


def forget_process(directory: Path, worker: str) -> None:
    """The process has ended."""
    (directory / f"{worker}{_SUFFIX}").unlink(missing_ok=True)


class WorkerProcesses(Collector):
    """`process_…` of every process of the node, with its label."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        together: dict[str, Metric] = {}
        for worker, pid in self._processes():
            for metric in _measured(pid):
                metrics = together.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                for sample in metric.samples:
                    metrics.add_sample(sample.name, {**sample.labels, "worker": worker}, sample.value)
        return together.values()

    def _processes(self) -> Iterator[tuple[str, int]]:
        for file in sorted(self._directory.glob(f"*{_SUFFIX}")):
            try:
                yield file.stem, int(file.read_text(encoding="ascii"))
            except (OSError, ValueError):
                continue  # It has just ended, or is just being noted.


def _measured(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()
