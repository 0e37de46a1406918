"""The process' metrics, in a registry of its own, and their text form for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from homeport.observability import names
from homeport.observability.names import MetricName

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Every metric of `names.py`, made once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.attestation_attempts = self._counter(names.ATTESTATION_ATTEMPTS)
        self.registration_attempts = self._counter(names.REGISTRATION_ATTEMPTS)
        self.device_assignments = self._counter(names.DEVICE_ASSIGNMENTS)
        self.requests = self._counter(names.REQUESTS)
        self.refusals = self._counter(names.REFUSALS)
        self.crashes = self._counter(names.CRASHES)
        self.connections_closed = self._counter(names.CONNECTIONS_CLOSED)
        self.handshakes_failed = self._counter(names.HANDSHAKES_FAILED)
        self.server_certificate_reloads = self._counter(names.SERVER_CERTIFICATE_RELOADS)
        self.server_certificate_not_after = self._gauge(names.SERVER_CERTIFICATE_NOT_AFTER)
        self.changes = self._counter(names.CHANGES)
        self.connections = self._gauge(names.CONNECTIONS)
        self.certificates_expiring = self._gauge(names.CERTIFICATES_EXPIRING)
        name, text, labels = names.REQUEST_SECONDS
        self.request_seconds = Histogram(name, text, labels, buckets=_BUCKETS, registry=self.registry)

    def page(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)

    def _counter(self, metric: MetricName) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: MetricName) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
