"""What a worker is called, and its part of what is for all."""

from pathlib import Path

import pytest

from homeport.supervision.seat import ALONE, Seat


def test_two_workers_of_one_slot_have_two_names() -> None:
    first, relief = Seat(node="n1", slot=3, workers=4), Seat(node="n1", slot=3, shift=1, workers=4)
    assert (first.label, relief.label) == ("3", "3b")
    assert (first.name, relief.name) == ("n1-3", "n1-3b")


@pytest.mark.parametrize(
    ("limit", "workers", "share"), [(20_000, 4, 5_000), (10, 4, 3), (1, 8, 1), (0, 2, 1), (7, 1, 7)]
)
def test_limits_are_divided(limit: int, workers: int, share: int) -> None:
    assert Seat(workers=workers).share(limit) == share


def test_one_worker_does_what_one_has_to_do() -> None:
    assert [Seat(slot=slot, workers=3).is_first for slot in range(3)] == [True, False, False]


def test_a_single_process_shares_nothing() -> None:
    assert (ALONE.workers, ALONE.metrics_directory) == (1, None)
    assert Seat(run_directory=Path("/run/x")).metrics_directory == Path("/run/x/metrics")
