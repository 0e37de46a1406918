"""One event, two renderings; and nothing in either that tells who the device is."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.typing import FilteringBoundLogger
from tests.unit.administration.world import PRIMARY
from tests.unit.provisioning.floor import ID, Floor, on_floor

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.events import (
    AttestationAttempted,
    CertificatesChecked,
    CertificateUse,
    DeviceAssigned,
    EntryChanged,
    ExpiringCertificate,
    RegistrationAttempted,
    ServiceEvent,
)
from homeport.model.identifiers import ServiceId, SubjectKey
from homeport.observability.logging import LogFormat, configure
from homeport.observability.metrics import Metrics
from homeport.observability.reporter import Reporter

SUBJECT, SERVICE = SubjectKey("5ub1ec7"), ServiceId(1)
AT = {"transport": "mqtt", "correlation_id": "c-1"}


class Observed:
    """A reporter, and what it has said."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        logger: FilteringBoundLogger = configure(LogFormat.JSON, "debug", self.stream)
        self.reporter = Reporter(logger, Metrics())

    def line(self) -> dict[str, Any]:
        """The only line."""
        (text,) = self.stream.getvalue().splitlines()
        line: dict[str, Any] = json.loads(text)
        assert line.pop("time")
        return line

    def count(self, name: str, **labels: str) -> float:
        """A sample's value; 0 if there is none."""
        page = self.reporter.metrics_page().decode()
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        return sum(sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))


@pytest.fixture
def observed() -> Observed:
    return Observed()


def test_a_registration_is_logged_and_counted(observed: Observed) -> None:
    event = RegistrationAttempted(service_id=SERVICE, status="assigned", subject_key=SUBJECT, hub_host_name="hub.test")
    observed.reporter.report([event], **AT)
    assert observed.line() == {
        "event": "registration",
        "level": "info",
        "status": "assigned",
        "hub": "hub.test",
        "subject": SUBJECT,
        **AT,
    }
    assert observed.count("homeport_registration_attempts_total", hub="hub.test", status="assigned") == 1


@pytest.mark.parametrize(
    ("event", "name", "labels"),
    [
        (
            AttestationAttempted(service_id=SERVICE, succeeded=True),
            "homeport_attestation_attempts_total",
            {"status": "succeeded", "cause": "", "transport": "mqtt"},
        ),
        (
            AttestationAttempted(service_id=SERVICE, succeeded=False, cause="wrong_key"),
            "homeport_attestation_attempts_total",
            {"status": "failed", "cause": "wrong_key", "transport": "mqtt"},
        ),
        (
            RegistrationAttempted(service_id=SERVICE, status="failed", subject_key=SUBJECT),
            "homeport_registration_attempts_total",
            {"hub": "", "status": "failed"},
        ),
        (
            DeviceAssigned(service_id=SERVICE, subject_key=SUBJECT, hub_host_name="h", substatus="initialAssignment"),
            "homeport_device_assignments_total",
            {"hub": "h", "substatus": "initialAssignment"},
        ),
        (
            EntryChanged(service_id=SERVICE, kind="EnrollmentCreated", actor="owner"),
            "homeport_changes_total",
            {"kind": "EnrollmentCreated"},
        ),
    ],
)
def test_every_event_is_counted(observed: Observed, event: ServiceEvent, name: str, labels: dict[str, str]) -> None:
    observed.reporter.report([event, event], **AT)
    assert observed.count(name, **labels) == 2


def test_an_unknown_event_is_a_defect(observed: Observed) -> None:
    with pytest.raises(AssertionError):
        observed.reporter.report([3], **AT)  # type: ignore[list-item]


def test_a_refusal_says_the_cause_and_not_the_message(observed: Observed) -> None:
    error = HomeportError(errors.ATTESTATION_FAILED, "For people.", cause="wrong_key", subject=SUBJECT)
    observed.reporter.refused(error, operation="Register", **AT)
    assert observed.line() == {
        "event": "refused",
        "level": "info",
        "error": "AttestationFailed",
        "cause": "wrong_key",
        "operation": "Register",
        "subject": SUBJECT,
        **AT,
    }
    labels = {"error": "AttestationFailed", "operation": "Register", "transport": "mqtt"}
    assert observed.count("homeport_refusals_total", **labels) == 1
    attempt = {"status": "failed", "cause": "wrong_key", "transport": "mqtt"}
    assert observed.count("homeport_attestation_attempts_total", **attempt) == 1


def test_an_administrators_refusal_is_no_attestation(observed: Observed) -> None:
    observed.reporter.refused(HomeportError(errors.UNAUTHORIZED), operation="getDevice", **AT)
    attempt = {"status": "failed", "cause": "Unauthorized", "transport": "mqtt"}
    assert observed.count("homeport_attestation_attempts_total", **attempt) == 0
    assert "subject" not in observed.line()


def test_our_own_failures_are_louder(observed: Observed) -> None:
    observed.reporter.refused(HomeportError(errors.UNAVAILABLE), operation="Register", **AT)
    assert observed.line()["level"] == "warning"


def test_a_crash_leaves_its_traceback_in_the_log_only(observed: Observed) -> None:
    try:
        raise ZeroDivisionError("a defect")
    except ZeroDivisionError as error:
        observed.reporter.crashed(error, operation="Register", **AT)
    line = observed.line()
    assert (line["event"], line["level"]) == ("crashed", "error")
    assert "ZeroDivisionError: a defect" in line["exception"]
    assert observed.count("homeport_crashes_total", operation="Register", transport="mqtt") == 1


def test_connections_go_up_and_down(observed: Observed) -> None:
    for _ in range(3):
        observed.reporter.connection_opened("mqtt")
    observed.reporter.connection_closed("mqtt", "closed by the peer")
    assert observed.count("homeport_connections", transport="mqtt") == 2
    assert observed.count("homeport_connections_closed_total", transport="mqtt") == 1


def test_failed_handshakes_are_counted_by_reason(observed: Observed) -> None:
    observed.reporter.handshake_failed("timeout", detail="", network="private")
    assert observed.count("homeport_tls_handshakes_failed_total", reason="timeout") == 1


def test_a_handshake_that_failed_for_a_certificate_is_logged_with_openssls_reason(observed: Observed) -> None:
    observed.reporter.handshake_failed("client_certificate_malformed", detail="wrong tag", network="private")
    line = observed.line()
    assert (line["event"], line["level"]) == ("handshake_failed", "info")
    assert (line["reason"], line["detail"], line["network"]) == ("client_certificate_malformed", "wrong tag", "private")


def test_the_servers_certificates_are_told_of(observed: Observed) -> None:
    ends = datetime(2030, 1, 2, tzinfo=UTC)
    observed.reporter.server_certificate_in_use(key_type="rsa", not_after=ends)
    name = "homeport_server_certificate_not_after_timestamp_seconds"
    assert observed.count(name, key_type="rsa") == ends.timestamp()
    observed.reporter.server_certificate_expiring(key_type="rsa", not_after=ends)
    line = observed.line()
    assert (line["event"], line["level"]) == ("server_certificate_expiring", "warning")
    assert (line["key_type"], line["not_after"]) == ("rsa", "2030-01-02T00:00:00+00:00")


def test_reloads_are_counted_by_outcome_and_a_refusal_says_why(observed: Observed) -> None:
    observed.reporter.server_certificates_refused("a.key is not the key of a.pem.")
    line = observed.line()
    observed.reporter.server_certificates_reloaded()
    assert (line["level"], line["reason"]) == ("error", "a.key is not the key of a.pem.")
    for outcome in ("loaded", "refused"):
        assert observed.count("homeport_server_certificate_reloads_total", outcome=outcome) == 1


def test_requests_are_counted_and_timed(observed: Observed) -> None:
    observed.reporter.request_served(operation="Register", status=202, seconds=0.02, transport="https")
    labels = {"operation": "Register", "transport": "https"}
    assert observed.count("homeport_requests_total", status="202", **labels) == 1
    assert observed.count("homeport_request_duration_seconds_bucket", le="0.025", **labels) == 1
    assert observed.count("homeport_request_duration_seconds_bucket", le="0.01", **labels) == 0


def test_a_certificate_that_ends_is_warned_of_and_counted_until_it_is_replaced(observed: Observed) -> None:
    ending = ExpiringCertificate(
        use=CertificateUse.CA_CERTIFICATE,
        holder="factory",
        sha256_thumbprint="AB" * 32,
        not_after=datetime(2030, 1, 2, tzinfo=UTC),
    )
    observed.reporter.report([CertificatesChecked(expiring=(ending,))], **AT)
    assert observed.line() == {
        "event": "certificate_expiring",
        "level": "warning",
        "use": "ca_certificate",
        "holder": "factory",
        "thumbprint": "AB" * 32,
        "not_after": "2030-01-02T00:00:00+00:00",
    }
    assert observed.count("homeport_certificates_expiring", use="ca_certificate") == 1
    assert observed.count("homeport_certificates_expiring", use="signing_certificate") == 0
    observed.reporter.report([CertificatesChecked(expiring=())], **AT)
    assert observed.count("homeport_certificates_expiring", use="ca_certificate") == 0


@on_floor
async def test_neither_rendering_tells_who_registered(floor: Floor) -> None:
    observed = Observed()
    await floor.enroll(device_id="the-hubs-name-for-it")
    _, events = await floor.register(payload=b'{"serial":"12345"}')
    observed.reporter.report(events, **AT)
    with pytest.raises(HomeportError) as refusal:
        await floor.register(proof=floor.proof(key="d3Jvbmcta2V5LW9mLTE2LWJ5dGVz"))
    observed.reporter.refused(refusal.value, operation="Register", **AT)
    said = observed.stream.getvalue() + observed.reporter.metrics_page().decode()
    assert (await floor.record()).subject_key in said
    for secret in (ID, "the-hubs-name-for-it", "12345", PRIMARY, floor.proof().sas_token or ""):
        assert secret not in said


def test_who_comes_too_often_is_counted_by_limit_and_costs_no_line(observed: Observed) -> None:
    refusal = HomeportError(errors.THROTTLED, cause="polls_of_device", retry_after=3)
    for _ in range(3):
        observed.reporter.refused(refusal, operation="GetOperationStatus", **AT)
    assert observed.count("homeport_throttled_total", limit="polls_of_device") == 3
    assert all(json.loads(line)["level"] == "debug" for line in observed.stream.getvalue().splitlines())


def test_an_overloaded_server(observed: Observed) -> None:
    observed.reporter.handshake_put_off()
    observed.reporter.loop_lagged(0.07)
    assert observed.count("homeport_tls_handshakes_put_off_total") == 1
    assert observed.count("homeport_event_loop_lag_seconds_sum") == 0.07


def test_an_outage_of_the_storage_is_one_line_however_many_learn_of_it(observed: Observed) -> None:
    for _ in range(3):
        observed.reporter.storage_failed("the disk is full")
    assert observed.line() == {"event": "storage_unavailable", "level": "error", "reason": "the disk is full"}
    assert observed.reporter.storage_is_down


def test_requests_that_an_outage_sends_away_are_counted_and_no_noise(observed: Observed) -> None:
    observed.reporter.storage_failed("the disk is full")
    observed.reporter.storage_recovered()
    assert not observed.reporter.storage_is_down
    observed.reporter.storage_failed("the disk is full")
    observed.reporter.refused(HomeportError(errors.UNAVAILABLE, cause="storage"), operation="Register", **AT)
    lines = [json.loads(line) for line in observed.stream.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("storage_unavailable", "error"),
        ("storage_available", "warning"),
        ("storage_unavailable", "error"),
        ("refused", "debug"),
    ]
    labels = {"error": "Unavailable", "operation": "Register", "transport": "mqtt"}
    assert observed.count("homeport_refusals_total", **labels) == 1
