"""The chart is a well-formed SVG, its axes are round numbers, and its curve starts and ends where it should."""

import xml.etree.ElementTree as ElementTree

from bench.storm.drawing import Chart, Line, draw

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*lines: Line) -> ElementTree.Element:
    return ElementTree.fromstring(draw(Chart(title="A <storm>", x="seconds", y="%", lines=lines)))


def test_a_curve_runs_from_corner_to_corner() -> None:
    chart = drawn(Line("all", [(0, 0), (20, 100)]), Line("half & half", [(0, 50)]))
    first, second = chart.findall(f"{SVG}polyline")
    assert first.get("points") == "70.0,356.0 840.0,46.0"
    assert second.get("points") == "70.0,201.0"
    texts = [element.text for element in chart.iter(f"{SVG}text")]
    assert {"A <storm>", "all", "half & half", "20", "100"} <= set(texts)


def test_axes_end_at_round_numbers() -> None:
    texts = [element.text for element in drawn(Line("", [(873, 0.0011)])).iter(f"{SVG}text")]
    assert {"1,000", "0.0012"} <= set(texts)


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn().findall(f"{SVG}polyline") == []
