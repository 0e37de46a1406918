"""The results in three shapes: a table for the terminal, Markdown for readers, JSON for programs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.machine import Machine
from bench.measurement import CaseResult, Judged
from bench.plan import Settings

QUIET = 0.2
"""Processors that may be busy with other things: more shows in the figures, and more in ours than in nginx's."""


_HEADINGS = ("unit", "reference", "homeport", "ratios", "judged", "bound", "aim", "per CPU second", "per second")
_JUDGED = 1 + _HEADINGS.index("judged")
PROCESSOR_TIME = "us CPU"
"""The unit of the cases whose figure is processor time for each operation."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One run: what was measured, on what, with which settings."""

    machine: Machine
    versions: Mapping[str, str]
    settings: Settings
    results: Sequence[CaseResult]
    complete: bool

    @property
    def name(self) -> str:
        """The file name of the results; a part of the cases, or a quick look, never replaces a whole run."""
        return f"{self.machine.taken_at[:10]}-{self.machine.kind}" + ("" if self.complete else "-partial")

    @property
    def disturbed(self) -> bool:
        """Whether the machine was busy with other things, so that the figures are not worth much."""
        return any(result.bystanders >= QUIET for result in self.results)

    @property
    def all_kept(self) -> bool:
        """Whether every bound is kept."""
        return all(result.kept for result in self.results)


def write(report: Report, directory: Path) -> list[Path]:
    """Write the Markdown and the JSON; answer their paths."""
    directory.mkdir(exist_ok=True)
    files = {".md": markdown(report), ".json": json.dumps(as_json(report), indent=2) + "\n"}
    paths = [directory / (report.name + suffix) for suffix in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    return paths


def table(results: Sequence[CaseResult]) -> Table:
    """The table for the terminal."""
    drawn = Table(title="Medians; ratios are taken within each round")
    drawn.add_column("case")
    for heading in _HEADINGS:
        drawn.add_column(heading, justify="right")
    for result in results:
        colour = "green" if result.kept else "red"
        cells = _cells(result)
        cells[_JUDGED] = f"[bold {colour}]{cells[_JUDGED]}[/]"
        drawn.add_row(*cells)
    return drawn


def markdown(report: Report) -> str:
    """The page for readers."""
    return "\n".join(
        [
            f"# Benchmark of {report.machine.taken_at[:10]}",
            "",
            "Medians; every ratio is taken within its round. How to read this: [README](../README.md).",
            "",
            f"| case | {' | '.join(_HEADINGS)} | kept |",
            f"| --- |{' ---: |' * len(_HEADINGS)} --- |",
            *(f"| {' | '.join([*_cells(result), _verdict(result)])} |" for result in report.results),
            "",
            *(f"- {result.title}: {note}." for result in report.results for note in _notes(result)),
            "",
            *_facts("Machine", _readable(dataclasses.asdict(report.machine))),
            *_facts("Settings", _readable(dataclasses.asdict(report.settings))),
            *_facts("Versions", report.versions),
        ]
    )


def as_json(report: Report) -> dict[str, Any]:
    """The same for programs, with every round."""
    return {
        "schema": 1,
        "machine": dataclasses.asdict(report.machine),
        "settings": dataclasses.asdict(report.settings),
        "versions": dict(report.versions),
        "complete": report.complete,
        "cases": [_case_as_json(result) for result in report.results],
    }


def _case_as_json(result: CaseResult) -> dict[str, Any]:
    medians = {
        "reference": result.median_reference,
        "candidate": result.median_candidate,
        "ratio": result.median_ratio,
    }
    return dataclasses.asdict(result) | {"medians": medians, "figure": result.figure, "kept": result.kept}


def _cells(result: CaseResult) -> list[str]:
    return [
        result.title,
        result.unit,
        f"{result.median_reference:.0f}",
        f"{result.median_candidate:.0f}",
        " ".join(f"{round_.ratio:.2f}" for round_ in result.rounds),
        _judged(result),
        _limit(result.bound),
        _limit(result.aim),
        f"{1e6 / result.median_candidate:,.0f}" if result.unit == PROCESSOR_TIME else "",
        "" if result.per_second is None else f"{result.per_second:,.0f}",
    ]


def _limit(limit: float | None) -> str:
    return "" if limit is None else f"≤ {limit:g}"


def _judged(result: CaseResult) -> str:
    return f"{result.figure:.2f}" if result.judged is Judged.RATIO else f"{result.figure:.0f}"


def _verdict(result: CaseResult) -> str:
    if result.bound is None:
        return "reported"
    return "yes" if result.kept else "**no**"


def _notes(result: CaseResult) -> list[str]:
    return [f"reference is {result.reference}, measured is {result.candidate}", *result.notes, *_disturbance(result)]


def _disturbance(result: CaseResult) -> list[str]:
    if result.bystanders < QUIET:
        return []
    return [f"**disturbed**: other processes kept {result.bystanders:.1f} processors busy"]


def _facts(heading: str, facts: Mapping[str, str]) -> list[str]:
    rows = [f"| {name} | {value} |" for name, value in facts.items()]
    return [f"## {heading}", "", "| what | value |", "| --- | --- |", *rows, ""]


def _readable(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace("_", " "): str(value) for name, value in facts.items()}
