"""A line chart as SVG, for pages that are read in a browser: a function, since a plotting library would be the largest
package that the project has, for one kind of picture."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 860, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 46, 64
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")
_TICKS = 6


@dataclass(frozen=True)
class Line:
    """A named curve."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What is drawn: the axes begin at zero."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]


def draw(chart: Chart) -> str:
    """The chart as an SVG document."""
    width = _nice(max((x for line in chart.lines for x, _ in line.points), default=1))
    height = _nice(max((y for line in chart.lines for _, y in line.points), default=1))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 18, chart.title, 'font-size="15" font-weight="bold"'),
        *_grid(width, height),
        _text(_LEFT + _inner_width() / 2, _HEIGHT - 8, chart.x, 'text-anchor="middle"'),
        _text(14, _TOP + _inner_height() / 2, chart.y, _upright(14, _TOP + _inner_height() / 2)),
        *_lines(chart.lines, width, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _inner_width() -> float:
    return _WIDTH - _LEFT - _RIGHT


def _inner_height() -> float:
    return _HEIGHT - _TOP - _BOTTOM


def _nice(largest: float) -> float:
    """The end of an axis: the next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if largest <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(largest))
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next(step for step in steps if step * power >= largest * (1 - 1e-9)) * power


def _place(x: float, y: float, width: float, height: float) -> tuple[float, float]:
    return _LEFT + x / width * _inner_width(), _TOP + (1 - y / height) * _inner_height()


def _grid(width: float, height: float) -> Iterator[str]:
    for step in range(_TICKS + 1):
        x, y = width * step / _TICKS, height * step / _TICKS
        across, bottom = _place(x, 0, width, height)
        left, up = _place(0, y, width, height)
        yield f'<path d="M{across:.1f} {_TOP}V{bottom:.1f}M{left:.1f} {up:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
        yield _text(across, bottom + 16, f"{x:,.4g}", 'text-anchor="middle"')
        yield _text(left - 6, up + 4, f"{y:,.4g}", 'text-anchor="end"')


def _lines(lines: Sequence[Line], width: float, height: float) -> Iterator[str]:
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(*point, width, height) for point in line.points))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        left = _LEFT + number * _inner_width() / max(1, len(lines))
        yield f'<rect x="{left:.0f}" y="{_TOP - 17}" width="14" height="4" fill="{colour}"/>'
        yield _text(left + 19, _TOP - 11, line.name, "")


def _upright(x: float, y: float) -> str:
    return f'text-anchor="middle" transform="rotate(-90 {x} {y:.0f})"'


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
