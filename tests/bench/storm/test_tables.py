"""Figures side by side."""

import math

import pytest
from bench.storm.tables import duration, for_markdown, side_by_side


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0421, "42 ms"),
        (1.234, "1.23 s"),
        (119, "119 s"),
        (150, "2.5 min"),
        (9_000, "2.5 h"),
        (math.inf, "never"),
        (math.nan, "-"),
    ],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_figure_that_only_one_storm_has_is_a_dash_in_the_other() -> None:
    rows = side_by_side({"real": {"devices": "5", "memory": "40 MiB", "peak": "-"}, "model": {"devices": "5"}})
    assert rows == [["", "real", "model"], ["devices", "5", "5"], ["memory", "40 MiB", "-"]]
    assert for_markdown(rows).splitlines()[1] == "| --- | ---: | ---: |"
