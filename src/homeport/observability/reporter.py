"""What happened, told twice: to the log and to the metrics. (The audit log is written with the change itself.)

The edge and the workers hand events over once they are committed; no service imports this. Fits the shape
that `endpoints/ports.py` asks for. Nothing said here identifies a device but its subject key.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar, assert_never

from prometheus_client import Counter, Gauge, Histogram
from structlog.typing import FilteringBoundLogger

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.events import (
    AttestationAttempted,
    CertificatesChecked,
    CertificateUse,
    DeviceAssigned,
    EntryChanged,
    RegistrationAttempted,
    ServiceEvent,
)
from homeport.observability.metrics import Metrics

M = TypeVar("M", Counter, Gauge, Histogram)

_ATTESTING = frozenset({"Attest", "Register", "GetOperationStatus", "GetRegistrationStatus"})


class Reporter:
    """Renders events. One for each process."""

    def __init__(self, logger: FilteringBoundLogger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics
        self._children: dict[tuple[object, tuple[str, ...]], Any] = {}
        self._storage_is_down = False

    @property
    def storage_is_down(self) -> bool:
        """Whether storage has failed, and nobody has said since that it answers again."""
        return self._storage_is_down

    def report(self, events: Iterable[ServiceEvent], *, transport: str, correlation_id: str) -> None:
        """Tell what a request has brought about, after its commit."""
        for event in events:
            match event:
                case AttestationAttempted():
                    self._attestation_attempted(event, transport)
                case RegistrationAttempted():
                    self._registration_attempted(event, transport, correlation_id)
                case DeviceAssigned():
                    self._count(self._metrics.device_assignments, event.hub_host_name, event.substatus)
                case EntryChanged():
                    self._entry_changed(event, correlation_id)
                case CertificatesChecked():
                    self._certificates_checked(event)
                case _:
                    assert_never(event)

    def refused(self, error: HomeportError, *, operation: str, transport: str, correlation_id: str) -> None:
        """A request was refused with a row of the catalogue; the log says the exact cause."""
        self._count(self._metrics.refusals, error.row.name, operation, transport)
        if error.row is errors.THROTTLED:
            self._count(self._metrics.throttled, error.cause)
        if error.row.status == 401 and operation in _ATTESTING:
            self._count(self._metrics.attestation_attempts, "failed", error.cause, transport)
        self._level_of(error)(
            "refused",
            error=error.row.name,
            cause=error.cause,
            operation=operation,
            transport=transport,
            correlation_id=correlation_id,
            **({"subject": error.subject} if error.subject else {}),
        )

    def _level_of(self, error: HomeportError) -> Callable[..., object]:
        """A storm of those who come too often must not cost a line each; the metrics count them. Nor must an outage of
        the storage, of which `storage_failed` has told."""
        if error.row is errors.THROTTLED or (error.row is errors.UNAVAILABLE and self._storage_is_down):
            return self._logger.debug
        return self._logger.warning if error.row.status >= 500 else self._logger.info

    def crashed(self, error: BaseException, *, operation: str, transport: str, correlation_id: str) -> None:
        """A request met a defect; the traceback goes here and nowhere else."""
        self._count(self._metrics.crashes, operation, transport)
        self._logger.error(
            "crashed", operation=operation, transport=transport, correlation_id=correlation_id, exc_info=error
        )

    def storage_failed(self, reason: str) -> None:
        """The storage did not answer, or could not write; told once, however many learn of it."""
        if not self._storage_is_down:
            self._storage_is_down = True
            self._logger.error("storage_unavailable", reason=reason)

    def storage_recovered(self) -> None:
        """The storage reads and writes again."""
        self._storage_is_down = False
        self._logger.warning("storage_available")

    def connection_opened(self, transport: str) -> None:
        """A connection has passed its handshake."""
        self._gauge(transport).inc()

    def connection_closed(self, transport: str, reason: str) -> None:
        """A connection has ended; why, for those who look for it."""
        self._gauge(transport).dec()
        self._count(self._metrics.connections_closed, transport)
        self._logger.debug("connection_closed", transport=transport, reason=reason)

    def handshake_failed(self, reason: str, *, detail: str, network: str) -> None:
        """A TLS handshake has failed. What a certificate is the cause of is somebody's mistake, the rest is noise."""
        self._count(self._metrics.handshakes_failed, reason)
        level: Callable[..., object] = self._logger.info if "_certificate_" in reason else self._logger.debug
        level("handshake_failed", reason=reason, detail=detail, network=network)

    def handshake_put_off(self) -> None:
        """The server has too much to do, and lets a connection wait for its handshake."""
        self._metrics.handshakes_put_off.inc()

    def loop_lagged(self, seconds: float) -> None:
        """How late the event loop came to a time that it was to keep."""
        self._metrics.loop_lag.observe(seconds)

    def connections_waiting(self, number: int) -> None:
        """So many connections wait to be accepted."""
        self._metrics.connections_waiting.set(number)

    def server_certificate_in_use(self, *, key_type: str, not_after: datetime) -> None:
        """New connections get this certificate."""
        self._child(self._metrics.server_certificate_not_after, (key_type,)).set(not_after.timestamp())

    def server_certificate_expiring(self, *, key_type: str, not_after: datetime) -> None:
        """The server's own certificate ends soon, or has ended; then no device connects any more."""
        self._logger.warning("server_certificate_expiring", key_type=key_type, not_after=not_after.isoformat())

    def server_certificates_reloaded(self) -> None:
        """New files were loaded."""
        self._count(self._metrics.server_certificate_reloads, "loaded")
        self._logger.info("server_certificates_reloaded")

    def server_certificates_refused(self, reason: str) -> None:
        """New files could not be used; the old certificates stay."""
        self._count(self._metrics.server_certificate_reloads, "refused")
        self._logger.error("server_certificates_refused", reason=reason)

    def request_served(self, *, operation: str, status: int, seconds: float, transport: str) -> None:
        """A request was answered, well or not."""
        self._count(self._metrics.requests, operation, str(status), transport)
        self._child(self._metrics.request_seconds, (operation, transport)).observe(seconds)

    def metrics_page(self) -> bytes:
        """The text exposition format of Prometheus."""
        return self._metrics.page()

    def _attestation_attempted(self, event: AttestationAttempted, transport: str) -> None:
        status = "succeeded" if event.succeeded else "failed"
        self._count(self._metrics.attestation_attempts, status, event.cause, transport)

    def _registration_attempted(self, event: RegistrationAttempted, transport: str, correlation_id: str) -> None:
        self._count(self._metrics.registration_attempts, event.hub_host_name or "", event.status)
        self._logger.info(
            "registration",
            status=event.status,
            hub=event.hub_host_name,
            subject=event.subject_key,
            transport=transport,
            correlation_id=correlation_id,
        )

    def _entry_changed(self, event: EntryChanged, correlation_id: str) -> None:
        self._count(self._metrics.changes, event.kind)
        self._logger.info(
            "changed", kind=event.kind, actor=event.actor, subject=event.subject_key, correlation_id=correlation_id
        )

    def _certificates_checked(self, event: CertificatesChecked) -> None:
        for use in CertificateUse:
            number = sum(certificate.use is use for certificate in event.expiring)
            self._child(self._metrics.certificates_expiring, (use.value,)).set(number)
        for certificate in event.expiring:
            self._logger.warning(
                "certificate_expiring",
                use=certificate.use.value,
                holder=certificate.holder,
                thumbprint=certificate.sha256_thumbprint,
                not_after=certificate.not_after.isoformat(),
            )

    def _count(self, counter: Counter, *labels: str) -> None:
        self._child(counter, labels).inc()

    def _gauge(self, transport: str) -> Gauge:
        return self._child(self._metrics.connections, (transport,))

    def _child(self, metric: M, labels: tuple[str, ...]) -> M:
        """`labels()` costs more than the count itself; each combination is looked up once."""
        child: M | None = self._children.get((metric, labels))
        if child is None:
            child = self._children[metric, labels] = metric.labels(*labels)
        return child
