"""Ratios, medians and verdicts."""

import pytest
from bench.generator import LoadResult
from bench.measurement import CaseResult, Judged, Round, handshake_note
from bench.servers.process import Endpoint, Server


def case(judged: Judged, rounds: list[Round], bound: float) -> CaseResult:
    return CaseResult(
        case="a-case",
        title="A case",
        unit="us CPU",
        reference="nginx",
        candidate="homeport",
        bound=bound,
        aim=1,
        judged=judged,
        rounds=rounds,
    )


ROUNDS = [
    Round(reference=100, candidate=150),
    Round(reference=200, candidate=260),
    Round(reference=50, candidate=100),
]


def test_a_ratio_belongs_to_its_round() -> None:
    assert [round_.ratio for round_ in ROUNDS] == [1.5, 1.3, 2.0]


def test_the_median_ratio_is_not_the_ratio_of_the_medians() -> None:
    result = case(Judged.RATIO, ROUNDS, bound=2)
    assert (result.median_reference, result.median_candidate, result.median_ratio) == (100, 150, 1.5)
    skewed = case(Judged.RATIO, [Round(reference=1, candidate=3), Round(reference=10, candidate=10)], bound=2)
    assert skewed.median_ratio == 2
    assert skewed.median_candidate / skewed.median_reference != 2


@pytest.mark.parametrize(
    ("judged", "bound", "figure", "kept"),
    [
        (Judged.RATIO, 1.5, 1.5, True),
        (Judged.RATIO, 1.49, 1.5, False),
        (Judged.CANDIDATE, 150, 150, True),
        (Judged.CANDIDATE, 149, 150, False),
    ],
)
def test_the_bound_is_about_the_figure_that_is_judged(judged: Judged, bound: float, figure: float, kept: bool) -> None:
    result = case(judged, ROUNDS, bound)
    assert (result.figure, result.kept) == (figure, kept)


@pytest.mark.parametrize(
    ("requests", "tickets", "note"),
    [
        (100, 0, "nginx: asked for a client certificate, 0 session tickets a connection"),
        (0, 200, "nginx: asked for no client certificate, 2 session tickets a connection"),
    ],
)
def test_the_note_says_what_a_handshake_was_like(requests: int, tickets: int, note: str) -> None:
    result = LoadResult(
        operations=100,
        seconds=1,
        client_cpu_seconds=1,
        latency_p50_us=1,
        latency_p90_us=1,
        latency_p99_us=1,
        latency_max_us=1,
        certificate_requests=requests,
        session_tickets=tickets,
    )
    assert handshake_note(Server("nginx", 1, Endpoint("127.0.0.1", 1)), result) == note
