"""What the report on a growing store says."""

from bench.growth import Growth, page
from bench.measurement import CaseResult, Judged, Round


def result(candidate: float) -> CaseResult:
    return CaseResult(
        case="growth",
        title="",
        unit="us CPU",
        reference="",
        candidate="",
        judged=Judged.RATIO,
        rounds=[Round(reference=600, candidate=candidate)],
    )


def test_each_size_stands_beside_the_smallest() -> None:
    found = [(1_000, result(606)), (10_000_000, result(690))]
    told = page(Growth(results=found, bytes_per_registration=1_280.4, bytes_per_enrollment=1_100.0))
    assert "| 1,000 | 600 | 606 | 1.01 |" in told
    assert "| 10,000,000 | 600 | 690 | 1.15 |" in told
    assert "1,280 bytes for each registration" in told
    assert "1,100 for each individual enrollment" in told
