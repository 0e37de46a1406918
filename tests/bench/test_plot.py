"""A drawing shows every series, its name and round numbers on the axes."""

from xml.etree import ElementTree

from bench.plot import Series, plot

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*series: Series, logarithmic: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(plot(series, title="T", x="devices", y="us", logarithmic=logarithmic))


def texts(drawing: ElementTree.Element) -> list[str | None]:
    return [each.text for each in drawing.iter(f"{SVG}text")]


def test_each_series_is_a_line_through_its_points() -> None:
    drawing = drawn(Series("a", [(0, 1), (10, 2), (20, 4)]), Series("b", [(0, 3), (20, 3)]))
    lines = [each.attrib["points"].split() for each in drawing.iter(f"{SVG}polyline")]
    assert [len(line) for line in lines] == [3, 2]
    first, last = (tuple(map(float, point.split(","))) for point in (lines[0][0], lines[0][-1]))
    assert first[0] < last[0]
    assert first[1] > last[1]  # SVG counts from the top


def test_axes_carry_round_numbers() -> None:
    labels = texts(drawn(Series("a", [(0, 0), (100, 620)])))
    assert {"0", "20", "40", "200", "400", "600"} <= set(labels)


def test_a_logarithmic_axis_counts_in_powers_of_ten() -> None:
    labels = texts(drawn(Series("a", [(1_000, 5), (10_000_000, 6)]), logarithmic=True))
    assert {"1,000", "10,000", "100,000", "1,000,000", "10,000,000"} <= set(labels)


def test_names_are_escaped() -> None:
    assert "a < b" in texts(drawn(Series("a < b", [(0, 1), (1, 2)])))
