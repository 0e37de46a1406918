"""The three shapes of a report say the same, and a partial run never takes a whole run's place."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from bench.machine import Machine
from bench.measurement import CaseResult, Judged, Round
from bench.plan import Settings
from bench.report import Report, as_json, markdown, table, write
from rich.console import Console

MACHINE = Machine(
    cpu_model="AMD EPYC",
    cores=2,
    memory_gib=24,
    kernel="6.1",
    system="Debian GNU/Linux 12",
    load_average=0.5,
    taken_at="2026-11-24T06:00:00+00:00",
)
KEPT = CaseResult(
    case="https-sas",
    title="HTTPS registration",
    unit="us CPU",
    reference="nginx, two static answers",
    candidate="homeport",
    bound=2.0,
    aim=1.6,
    judged=Judged.RATIO,
    rounds=[
        Round(reference=400, candidate=600, reference_rate=1_000, candidate_rate=900),
        Round(reference=410, candidate=656, reference_rate=990, candidate_rate=800),
    ],
    notes=["nginx: 0 session tickets a connection"],
)
MISSED = replace(
    KEPT, case="idle-memory", title="Idle connection", unit="KiB", bound=64, judged=Judged.CANDIDATE, notes=[]
)


@pytest.fixture
def report() -> Report:
    return Report(
        machine=MACHINE,
        versions={"nginx": "1.22.1", "OpenSSL (nginx)": "OpenSSL 3.0.22"},
        settings=Settings(rounds=2, operations=2_000, devices=24, population=1_000_000, idle_connections=1_000),
        results=[KEPT, MISSED],
        complete=True,
    )


def test_every_round_and_every_median_is_in_the_json(report: Report) -> None:
    case = as_json(report)["cases"][0]
    assert case["rounds"] == [
        {
            "reference": 400,
            "candidate": 600,
            "bystanders": None,
            "reference_rate": 1_000,
            "candidate_rate": 900,
        },
        {"reference": 410, "candidate": 656, "bystanders": None, "reference_rate": 990, "candidate_rate": 800},
    ]
    assert case["medians"] == {"reference": 405, "candidate": 628, "ratio": pytest.approx(1.55)}
    assert (case["figure"], case["kept"]) == (pytest.approx(1.55), True)


def test_the_page_tells_figures_verdicts_notes_and_versions(report: Report) -> None:
    page = markdown(report)
    assert "| HTTPS registration | us CPU | 405 | 628 | 1.50 1.60 | 1.55 | ≤ 2 | ≤ 1.6 | 1,592 | 850 | yes |" in page
    assert "| 628 | ≤ 64 | ≤ 1.6 |  | 850 | **no** |" in page
    assert "- HTTPS registration: nginx: 0 session tickets a connection." in page
    assert "| OpenSSL (nginx) | OpenSSL 3.0.22 |" in page
    assert "| population | 1000000 |" in page


def test_the_table_for_the_terminal_shows_the_same_cells(report: Report) -> None:
    console = Console(file=io.StringIO(), width=160)
    console.print(table(report.results))
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()
    for cell in ("HTTPS registration", "1.50 1.60", "1.55", "≤ 64"):
        assert cell in drawn


def test_a_figure_without_a_promise_is_only_reported(report: Report) -> None:
    unpromised = replace(report, results=[replace(MISSED, bound=None, aim=None)])
    assert unpromised.all_kept
    assert "| 628 |  |  |  | 850 | reported |" in markdown(unpromised)


def test_one_missed_bound_is_enough(report: Report) -> None:
    assert not report.all_kept
    assert replace(report, results=[KEPT]).all_kept


def test_a_run_beside_other_work_says_so(report: Report) -> None:
    beside = replace(KEPT, rounds=[replace(round_, bystanders=0.7) for round_ in KEPT.rounds])
    assert not report.disturbed
    assert "disturbed" not in markdown(report)
    disturbed = replace(report, results=[beside])
    assert disturbed.disturbed
    assert "other processes kept 0.7 processors busy" in markdown(disturbed)


def test_results_are_named_by_day_and_kind_of_machine(report: Report, tmp_path: Path) -> None:
    paths = write(report, tmp_path / "results")
    assert [path.name for path in paths] == ["2026-11-24-2-core-amd-epyc.md", "2026-11-24-2-core-amd-epyc.json"]
    assert json.loads(paths[1].read_text())["schema"] == 1


def test_a_partial_run_has_a_name_of_its_own(report: Report) -> None:
    assert replace(report, complete=False).name == "2026-11-24-2-core-amd-epyc-partial"


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("AMD EPYC", "2-core-amd-epyc"),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "2-core-intel-xeon-cpu"),
    ],
)
def test_a_machine_is_named_by_its_kind(model: str, kind: str) -> None:
    assert replace(MACHINE, cpu_model=model).kind == kind
