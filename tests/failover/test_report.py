"""The report as an operator reads it, and the verdict."""

from collections.abc import Sequence

from failover.outcome import Outcome
from failover.report import Run, render


def run(*, faults: Sequence[str] = (), silence: tuple[float, float] | None = (9.0, 28.5)) -> Run:
    outcome = Outcome(
        what="the primary is killed",
        struck=10.0,
        returned=40.0,
        silence=silence,
        devices=3,
        assigned=2,
        left_open=1,
        troubles={"CONNACK 3": 2, "503": 5},
        faults=faults,
    )
    return Run(
        date="2027-01-02",
        members=2,
        strict=False,
        per_second=25,
        seed=7,
        versions={"PostgreSQL": "15.1"},
        outcomes=[outcome],
    )


def row(text: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith("| the primary")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_round_is_a_row() -> None:
    assert row(render(run())) == [
        *("the primary is killed", "19.5 s", "18.5 s", "30.0 s", "3", "2", "1"),
        *("5 times 503, 2 times CONNACK 3", "0"),
    ]


def test_a_breath_is_no_absence() -> None:
    assert row(render(run(silence=(10.0, 11.5))))[1:3] == ["1.5 s", "never away"]


def test_a_service_that_did_not_come_back_is_said() -> None:
    assert row(render(run(silence=None)))[1:3] == ["without end"] * 2


def test_what_is_wrong_is_written_out_and_decides() -> None:
    good, bad = run(), run(faults=["d is lost"])
    assert good.is_good
    assert "Not as it should be" not in render(good)
    assert not bad.is_good
    assert "- the primary is killed: d is lost" in render(bad)


def test_a_flood_of_faults_is_cut_and_its_number_stays() -> None:
    text = render(run(faults=[f"device {number} is lost" for number in range(500)]))
    assert len(text.splitlines()) < 50
    assert row(text)[-1] == "500"


def test_the_table_has_a_cell_for_each_heading() -> None:
    lines = [line for line in render(run()).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
