"""The metrics: every name is made, and the page is what Prometheus reads."""

from pathlib import Path

import pytest
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families

from homeport.observability.metrics import Metrics, forget_worker, share_metrics
from homeport.observability.names import METRICS


def families(metrics: Metrics) -> dict[str, str]:
    return {family.name: family.documentation for family in text_string_to_metric_families(metrics.page().decode())}


def test_every_name_is_on_the_page_with_its_help() -> None:
    found = families(Metrics())
    for metric in METRICS:
        assert found[metric.name.removesuffix("_total")] == metric.help


def test_names_are_ours_and_unique() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("homeport_") for name in names)


def test_no_label_can_hold_an_identifier() -> None:
    labels = {label for metric in METRICS for label in metric.labels}
    known = {"status", "cause", "transport", "hub", "substatus", "operation", "error", "reason", "kind", "use"}
    assert labels <= known | {"key_type", "outcome", "limit", "worker"}


def test_the_process_is_measured() -> None:
    assert "process_resident_memory_bytes" in families(Metrics())


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.changes.labels("EnrollmentCreated").inc()
    assert b'homeport_changes_total{kind="EnrollmentCreated"} 1.0' in one.page()
    assert b"EnrollmentCreated" not in other.page()


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's directory; the process counts by itself again afterwards.

    Here one process plays all workers, one after the other: a value belongs to the one that was made last.
    """
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    return tmp_path / "metrics"


def worker(shared: Path, label: str) -> Metrics:
    share_metrics(shared, label)
    return Metrics(shared)


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    samples = [
        sample for family in text_string_to_metric_families(metrics.page().decode()) for sample in family.samples
    ]
    return next((each.value for each in samples if (each.name, each.labels) == (name, labels)), None)


def test_every_worker_shows_what_all_have_counted(shared: Path) -> None:
    one = worker(shared, "0")
    one.changes.labels("EnrollmentCreated").inc()
    one.request_seconds.labels("Register", "mqtt").observe(0.02)
    other = worker(shared, "1")
    other.changes.labels("EnrollmentCreated").inc(2)
    other.request_seconds.labels("Register", "mqtt").observe(0.2)
    for metrics in (one, other):
        assert sample(metrics, "homeport_changes_total", kind="EnrollmentCreated") == 3
        bucket = {"operation": "Register", "transport": "mqtt"}
        assert sample(metrics, "homeport_request_duration_seconds_bucket", **bucket, le="0.025") == 1
        assert sample(metrics, "homeport_request_duration_seconds_count", **bucket) == 2


def test_of_what_is_at_the_moment_each_gauge_says_what_matters(shared: Path) -> None:
    for label, number in (("0", 3), ("1", 4)):
        metrics = worker(shared, label)
        metrics.connections.labels("mqtt").set(number)
        metrics.server_certificate_not_after.labels("ecdsa").set(number)
        if label == "0":
            metrics.certificates_expiring.labels("ca_certificate").set(2)
    other = worker(shared, "2")
    assert sample(other, "homeport_connections", transport="mqtt") == 7
    assert sample(other, "homeport_server_certificate_not_after_timestamp_seconds", key_type="ecdsa") == 3
    assert sample(other, "homeport_certificates_expiring", use="ca_certificate") == 2


def test_a_dead_worker_has_no_connections_and_its_counts_stay(shared: Path) -> None:
    one = worker(shared, "0")
    one.connections.labels("mqtt").set(3)
    one.changes.labels("EnrollmentCreated").inc()
    other = worker(shared, "1")
    forget_worker(shared, "0")
    assert sample(other, "homeport_connections", transport="mqtt") is None
    assert sample(other, "homeport_changes_total", kind="EnrollmentCreated") == 1
    reborn = worker(shared, "0")
    reborn.changes.labels("EnrollmentCreated").inc()
    assert sample(other, "homeport_changes_total", kind="EnrollmentCreated") == 2


def test_a_node_shows_every_name_and_its_processes(shared: Path) -> None:
    node = worker(shared, "0")
    found = families(node)
    for metric in METRICS:
        assert found[metric.name.removesuffix("_total")] == metric.help
    assert (sample(node, "process_resident_memory_bytes", worker="0") or 0) > 0


def test_a_workers_files_have_their_blocks_before_a_disk_is_full(shared: Path) -> None:
    worker(shared, "0")
    counted = (shared / "counter_0.db").stat()
    assert counted.st_blocks * 512 >= counted.st_size >= 512 * 1024
