"""What metrics and log events are called; the one place, documented in `docs/reference/metrics.md`.

The first three are the hosted service's metrics (AttestationAttempts, RegistrationAttempts, DeviceAssignments)
in Prometheus' spelling. No label ever holds an identifier of a device.
"""

from typing import NamedTuple


class MetricName(NamedTuple):
    """A metric's name, its help text and its labels."""

    name: str
    help: str
    labels: tuple[str, ...]


ATTESTATION_ATTEMPTS = MetricName(
    "homeport_attestation_attempts_total", "Attestations tried.", ("status", "cause", "transport")
)
REGISTRATION_ATTEMPTS = MetricName(
    "homeport_registration_attempts_total", "Registrations tried after attestation.", ("hub", "status")
)
DEVICE_ASSIGNMENTS = MetricName("homeport_device_assignments_total", "Devices assigned to a hub.", ("hub", "substatus"))
REQUESTS = MetricName("homeport_requests_total", "Requests answered.", ("operation", "status", "transport"))
REQUEST_SECONDS = MetricName(
    "homeport_request_duration_seconds", "Time from a request to its answer.", ("operation", "transport")
)
REFUSALS = MetricName("homeport_refusals_total", "Requests refused, by error.", ("error", "operation", "transport"))
CRASHES = MetricName("homeport_crashes_total", "Requests that met a defect of the server.", ("operation", "transport"))
CONNECTIONS = MetricName("homeport_connections", "Open connections.", ("transport",))
CONNECTIONS_CLOSED = MetricName("homeport_connections_closed_total", "Connections ended.", ("transport",))
HANDSHAKES_FAILED = MetricName("homeport_tls_handshakes_failed_total", "TLS handshakes that failed.", ("reason",))
THROTTLED = MetricName("homeport_throttled_total", "Requests that came too often, by limit.", ("limit",))
HANDSHAKES_PUT_OFF = MetricName(
    "homeport_tls_handshakes_put_off_total", "Connections that waited for their handshake under overload.", ()
)
CONNECTIONS_WAITING = MetricName("homeport_connections_waiting", "Connections that wait to be accepted.", ())
LOOP_LAG = MetricName("homeport_event_loop_lag_seconds", "How late the event loop comes to what is due.", ())
CERTIFICATES_EXPIRING = MetricName(
    "homeport_certificates_expiring", "CA and signing certificates that end within 30 days, or have ended.", ("use",)
)
SERVER_CERTIFICATE_NOT_AFTER = MetricName(
    "homeport_server_certificate_not_after_timestamp_seconds",
    "When the server's certificate ends, in Unix time.",
    ("key_type",),
)
SERVER_CERTIFICATE_RELOADS = MetricName(
    "homeport_server_certificate_reloads_total", "Times that changed certificate files were loaded.", ("outcome",)
)
WORKER_RESTARTS = MetricName(
    "homeport_worker_restarts_total", "Workers that ended unasked and were started again.", ("worker",)
)
CHANGES = MetricName("homeport_changes_total", "Changes by administrators.", ("kind",))

METRICS: tuple[MetricName, ...] = tuple(value for value in list(globals().values()) if isinstance(value, MetricName))
