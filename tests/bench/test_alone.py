"""Two benchmarks never run at the same time."""

from pathlib import Path

import pytest
from bench.alone import alone
from bench.failures import BenchError


def test_a_second_benchmark_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    with alone(tmp_path / "lock"), pytest.raises(BenchError, match="Another benchmark"), alone(tmp_path / "lock"):
        pytest.fail("both would run")
    with alone(tmp_path / "lock"):
        pass


def test_the_first_one_on_a_machine_makes_the_place(tmp_path: Path) -> None:
    with alone(tmp_path / "build" / "lock"):
        assert (tmp_path / "build").is_dir()
