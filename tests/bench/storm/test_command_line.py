"""`python -m bench.storm` as somebody types it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bench.storm.__main__ import main
from bench.storm.service_times import PUBLISHED, as_json, read_times
from click.testing import CliRunner, Result


def run(tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--svg", str(tmp_path / "storm.svg")])


def test_a_storm_is_simulated_and_drawn(tmp_path: Path) -> None:
    result = run(tmp_path, "--devices", "2e3", "--nodes", "1", "--workers", "1", "--clients", "mixed")
    assert result.exit_code == 0
    for text in ("2,000 devices, 1 nodes of 1 workers", "admission on", "admission off", "admission eager", "capacity"):
        assert text in result.output
    assert (tmp_path / "storm.svg").read_text().startswith("<svg")


def test_a_large_fleet_is_simulated_in_cohorts(tmp_path: Path) -> None:
    result = run(tmp_path, "--devices", "1e6", "--cohorts", "2000", "--nodes", "8", "--admission", "on")
    assert result.exit_code == 0
    assert "cohorts of 500 devices" in result.output
    assert "1,000,000" in result.output


@pytest.mark.parametrize("words", [("--devices", "many"), ("--devices", "0"), ("--clients", "go-mqtt")])
def test_what_makes_no_sense_is_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    result = run(tmp_path, *words)
    assert result.exit_code == 2
    assert words[0] in result.output


def test_service_times_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "storm.json"
    times = replace(PUBLISHED, register=0.001)
    file.write_text(json.dumps({"times": as_json(times)}))
    assert read_times(file) == times
    file.write_text("{}")
    with pytest.raises(ValueError, match="not what a real storm leaves"):
        read_times(file)
