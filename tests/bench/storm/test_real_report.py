"""The page about a real storm: what is judged, and that all of it can be read."""

import json
from pathlib import Path

import pytest
from bench.machine import Machine
from bench.storm.calibration import Calibration
from bench.storm.outcome import Outcome
from bench.storm.real_report import Compared, RealReport, verdicts, write
from bench.storm.real_run import RealStorm, read_storm
from bench.storm.resources import Resources, Sample
from bench.storm.service_times import PUBLISHED, read_times

LINES = [
    "started 100.5\n",
    "1 2.5 0.1 0.2 0.3 1.7 1 0\n",
    "0 1.5 0.0 0.1 0.2 1.3 1 0\n",
    "2 9.0 1.0 0.5 0.4 3.0 3 2\n",
]
SUMMARY = {
    "provisioned": 3,
    "seconds": 9.1,
    "client_cpu_seconds": 0.5,
    "attempts": 5,
    "handshakes": 4,
    "wasted_handshakes": 1,
    "timeouts": 1,
    "disconnects": 1,
    "refusals": 2,
    "errors": 0,
    "most_connections": 3,
    "starved": 0,
    "latest_timer": 0.01,
}
MACHINE = Machine(
    cpu_model="Intel(R) Example CPU",
    cores=2,
    memory_gib=4,
    kernel="6",
    system="Debian",
    load_average=0.1,
    taken_at="2026-11-24T12:00:00+00:00",
)


@pytest.fixture
def storm() -> RealStorm:
    resources = Resources([Sample(100.0, 0, 50), Sample(101.0, 0.9, 80)])
    return read_storm([*LINES, json.dumps(SUMMARY)], 3, resources, Resources([Sample(100.0, 0.4, 5)]))


def report(storm: RealStorm, *, model: Outcome | None = None, admission: bool = True) -> RealReport:
    compared = Compared(admission=admission, real=storm, model=model or storm.outcome)
    calibration = Calibration(capacity=800, times=PUBLISHED, cpu_us=700)
    return RealReport(
        machine=MACHINE, settings={"devices": 3, "overload": 3.0}, calibration=calibration, storms=[compared]
    )


def test_the_generators_lines_become_an_outcome(storm: RealStorm) -> None:
    assert list(storm.outcome.provisioned_at) == [1.5, 2.5, 9.0]
    assert list(storm.outcome.connecting) == [0.0, 0.1, 1.0]
    assert list(storm.outcome.served) == [0.2, 0.3, 0.4]
    assert list(storm.outcome.answered) == pytest.approx([0.3, 0.5, 0.9])
    assert list(storm.whole) == [1.3, 1.7, 3.0]
    assert (storm.started, storm.most_attempts, storm.outcome.refused) == (100.5, 3, 2)


def test_a_storm_is_judged_by_whether_all_came_through_and_how_long_the_admitted_waited(storm: RealStorm) -> None:
    (compared,) = report(storm).storms
    assert compared.complete
    assert compared.bounded
    storm.outcome.served[-1] = 2.1
    assert not compared.bounded
    storm.outcome.provisioned_at.pop()
    assert not compared.complete


def test_page_picture_and_document_are_written(storm: RealStorm, tmp_path: Path) -> None:
    page, picture, document = write(report(storm), tmp_path)
    text = page.read_text()
    assert page.name == "storm-2026-11-24-2-core-intel-example-cpu-3.md"
    for part in ("3 devices at 3 times the capacity", "800 registrations", "model, admission on", picture.name):
        assert part in text
    assert picture.read_text().count("<polyline") == 2
    assert read_times(document) == PUBLISHED
    (described,) = json.loads(document.read_text())["storms"]
    assert described["server"]["rows"] == [[-0.5, 0, 50], [0.5, 0.9, 80]]


def test_the_distance_from_the_model_is_told(storm: RealStorm) -> None:
    assert any("0.0% of the fleet apart" in line for line in verdicts(report(storm)))
