"""A storm's figures as rows of a table: the same for the terminal, for Markdown and for both kinds of storm."""

import math
from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.storm.outcome import Outcome, percentile

Rows = Sequence[Sequence[str]]


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if not math.isfinite(seconds):
        return "never" if seconds > 0 else "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f}"


def figures(outcome: Outcome) -> dict[str, str]:
    """What there is to say about a storm, by name."""
    per_device = outcome.handshakes / outcome.devices if outcome.devices else math.nan
    return {
        "devices": _number(outcome.devices),
        "provisioned": _number(outcome.provisioned),
        "50 % provisioned after": duration(outcome.time_until(0.5)),
        "99 % provisioned after": duration(outcome.time_until(0.99)),
        "all provisioned after": duration(outcome.time_until(1)),
        "until connected, p50": duration(percentile(outcome.connecting, 0.5)),
        "until connected, p99": duration(percentile(outcome.connecting, 0.99)),
        "then until let in, p50": duration(percentile(outcome.queued, 0.5)),
        "then until let in, p99": duration(percentile(outcome.queued, 0.99)),
        "then until answered, p50": duration(percentile(outcome.served, 0.5)),
        "then until answered, p99": duration(percentile(outcome.served, 0.99)),
        "from connected to answered, p50": duration(outcome.latency(0.5)),
        "from connected to answered, p95": duration(outcome.latency(0.95)),
        "from connected to answered, p99": duration(outcome.latency(0.99)),
        "from connected to answered, longest": duration(outcome.latency(1)),
        "connections begun": _number(outcome.attempts),
        "handshakes": f"{_number(outcome.handshakes)} ({per_device:.2f} a device)",
        "handshakes that came to nothing": _number(outcome.wasted_handshakes),
        "answered with 429": _number(outcome.refused),
        "most handshakes in a second": _number(outcome.peak_handshakes),
        "most provisioned in a second": _number(outcome.peak_provisioned),
        "most connections at once": _number(outcome.peak_connections),
    }


def side_by_side(columns: Mapping[str, Mapping[str, str]]) -> Rows:
    """A row for each figure, a column for each storm; figures that no storm has are left out."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[name, *(column.get(name, "-") for column in columns.values())] for name in names]
    return [["", *columns], *(row for row in rows if any(cell != "-" for cell in row[1:]))]


def for_terminal(title: str, rows: Rows) -> Table:
    """The rows as a table of the terminal."""
    table = Table(title=title)
    for number, heading in enumerate(rows[0]):
        table.add_column(heading, justify="right" if number else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def for_markdown(rows: Rows) -> str:
    """The rows as Markdown."""
    head, *body = rows
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ruler, *body))
