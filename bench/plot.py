"""A line plot as SVG text, for the reports: some series over one axis. Nothing of it needs a library."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 60
COLOURS = ("#0b6e99", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be123c")
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Series:
    """A named line through its points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Axis:
    """Values to pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        low, high, value = (math.log10(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return self.start + (value - low) / ((high - low) or 1) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            return [10.0**n for n in range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)]
        step = _round_step((self.high - self.low) / 5)
        return [step * n for n in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def plot(series: Sequence[Series], *, title: str, x: str, y: str, logarithmic: bool = False) -> str:
    """The drawing; `x` and `y` name the axes, `logarithmic` is about x. The y axis begins at nought."""
    points = [point for each in series for point in each.points]
    across = _Axis(min(p[0] for p in points), max(p[0] for p in points), LEFT, WIDTH - RIGHT, logarithmic)
    up = _Axis(0, max(p[1] for p in points) * 1.05 or 1, HEIGHT - BOTTOM, TOP)
    parts = [*_frame(across, up, title, x, y), *_lines(series, across, up), *_legend(series)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *parts, "</svg>", ""])


def _frame(across: _Axis, up: _Axis, title: str, x: str, y: str) -> Iterator[str]:
    yield _text(WIDTH / 2, TOP - 18, title, anchor="middle", size=15)
    yield _text(WIDTH / 2, HEIGHT - 14, x, anchor="middle")
    yield _text(LEFT, TOP - 6, y)
    for tick in up.ticks():
        height = up.at(tick)
        yield f'<path d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield _text(LEFT - 8, height + 4, f"{tick:,g}", anchor="end")
    for tick in across.ticks():
        place = across.at(tick)
        yield f'<path d="M{place:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
        yield _text(place, HEIGHT - BOTTOM + 18, f"{tick:,.10g}", anchor="middle")


def _lines(series: Sequence[Series], across: _Axis, up: _Axis) -> Iterator[str]:
    for number, each in enumerate(series):
        path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in each.points)
        yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2"/>'


def _legend(series: Sequence[Series]) -> Iterator[str]:
    for number, each in enumerate(series):
        top = TOP + 16 + 18 * number
        yield f'<path d="M{LEFT + 12} {top}h22" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="3"/>'
        yield _text(LEFT + 40, top + 4, each.name)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _round_step(rough: float) -> float:
    """The next step that people count in: 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * 0.999)
