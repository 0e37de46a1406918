"""The node's metrics, and their text form for Prometheus.

A single process keeps the values in memory, in a registry of its own. Workers keep them in files that they share
(prometheus_client's multiprocess mode), a few for each seat; so every worker shows those of the whole node, and a
worker that is started again counts on where the last one ended. Counterpart: `worker_processes.py`.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from homeport.observability import names
from homeport.observability.names import MetricName
from homeport.observability.worker_processes import WorkerProcesses, forget_process, note_process

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"

_RESERVED = {
    **{"counter": 512 * 1024, "histogram": 512 * 1024},
    **{f"gauge_{of_workers}": 64 * 1024 for of_workers in ("livesum", "livemin", "livemax")},
}
"""Bytes of each kind of file: some thousand label combinations."""

_OfWorkers = Literal["livesum", "livemin", "livemax"]


class Metrics:
    """Every metric of `names.py`, made once. `shared` is the directory that `share_metrics` was given, if it was."""

    def __init__(self, shared: Path | None = None) -> None:
        self.registry = CollectorRegistry()
        self.attestation_attempts = self._counter(names.ATTESTATION_ATTEMPTS)
        self.registration_attempts = self._counter(names.REGISTRATION_ATTEMPTS)
        self.device_assignments = self._counter(names.DEVICE_ASSIGNMENTS)
        self.requests = self._counter(names.REQUESTS)
        self.refusals = self._counter(names.REFUSALS)
        self.crashes = self._counter(names.CRASHES)
        self.connections_closed = self._counter(names.CONNECTIONS_CLOSED)
        self.handshakes_failed = self._counter(names.HANDSHAKES_FAILED)
        self.server_certificate_reloads = self._counter(names.SERVER_CERTIFICATE_RELOADS)
        self.server_certificate_not_after = self._gauge(names.SERVER_CERTIFICATE_NOT_AFTER, workers="livemin")
        self.throttled = self._counter(names.THROTTLED)
        self.handshakes_put_off = self._counter(names.HANDSHAKES_PUT_OFF)
        self.changes = self._counter(names.CHANGES)
        self.connections = self._gauge(names.CONNECTIONS, workers="livesum")
        self.connections_waiting = self._gauge(names.CONNECTIONS_WAITING, workers="livesum")
        # The first worker alone looks.
        self.certificates_expiring = self._gauge(names.CERTIFICATES_EXPIRING, workers="livemax")
        self.worker_restarts = self._counter(names.WORKER_RESTARTS)
        self.request_seconds = self._histogram(names.REQUEST_SECONDS)
        self.loop_lag = self._histogram(names.LOOP_LAG)
        self._page = self.registry if shared is None else _of_all_workers(self.registry, shared)
        if shared is None:
            ProcessCollector(registry=self.registry)

    def page(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self._page)

    def _counter(self, metric: MetricName) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: MetricName) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=_BUCKETS, registry=self.registry)

    def _gauge(self, metric: MetricName, *, workers: _OfWorkers) -> Gauge:
        """`workers` is what becomes of several workers' values."""
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry, multiprocess_mode=workers)


def share_metrics(directory: Path, worker: str) -> None:
    """Keep the values of all metrics that this process makes from now on in `directory`, under a worker's label.

    A count costs 0.5 µs then, instead of 0.25. The library asks its environment, once, when it is first imported; and
    names files by process ID, so that each restart would leave some.
    """
    os.environ[_DIRECTORY] = str(directory)
    directory.mkdir(exist_ok=True)
    _reserve(directory, worker)
    values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
    note_process(directory, worker)


def _reserve(directory: Path, worker: str) -> None:
    """Take the disk's blocks for a worker's files beforehand: the library writes them by memory, and a disk that had
    no block left when a new label came would be the end of the process (SIGBUS)."""
    if not hasattr(os, "posix_fallocate"):
        return
    for kind, size in _RESERVED.items():
        with (directory / f"{kind}_{worker}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def forget_worker(directory: Path, worker: str) -> None:
    """A worker has ended: what it measured of the moment counts no more, what it has counted stays."""
    mark_process_dead(worker, str(directory))  # type: ignore[no-untyped-call]
    forget_process(directory, worker)


def _of_all_workers(own: CollectorRegistry, directory: Path) -> CollectorRegistry:
    node = CollectorRegistry()
    node.register(_AllWorkers(own, directory))
    node.register(WorkerProcesses(directory))
    return node


class _AllWorkers(Collector):
    """The sums of all workers; with the heads of metrics that nobody has counted yet, as a single process has them."""

    def __init__(self, own: CollectorRegistry, directory: Path) -> None:
        self._own = own
        self._files = MultiProcessCollector(None, str(directory))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        collected = cast(Iterable[Metric], self._files.collect())  # type: ignore[no-untyped-call]
        counted = {metric.name: metric for metric in collected}
        for metric in self._own.collect():
            yield counted.get(metric.name) or Metric(metric.name, metric.documentation, metric.type)
