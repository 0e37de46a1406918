"""The metrics: every name is made, and the page is what Prometheus reads."""

from prometheus_client.parser import text_string_to_metric_families

from homeport.observability.metrics import Metrics
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
    assert labels <= known | {"key_type", "outcome"}


def test_the_process_is_measured() -> None:
    assert "process_resident_memory_bytes" in families(Metrics())


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.changes.labels("EnrollmentCreated").inc()
    assert b'homeport_changes_total{kind="EnrollmentCreated"} 1.0' in one.page()
    assert b"EnrollmentCreated" not in other.page()
