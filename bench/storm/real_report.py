"""The page about real storms beside their models, its picture, and the same for programs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import Machine, describe_versions
from bench.storm import tables
from bench.storm.calibration import Calibration
from bench.storm.drawing import Chart, Line, draw
from bench.storm.outcome import Outcome, largest_gap, percentile
from bench.storm.real_run import RealStorm
from bench.storm.service_times import as_json

_READING = """\
Generator and server share this machine, and a device costs the one about as much as the other: a server with its cores
to itself does more. A generator whose busiest second is a whole processor was the bottleneck itself.

All waits are those of the attempt that succeeded. *Until connected* is TCP's part: a full accept queue drops the SYN,
which the device's kernel repeats after 1, 3, 7 … s. *Until let in* ends with the first byte of the server's handshake,
and from there on a device counts as admitted. (Under a flood Linux may answer with SYN cookies: then a device believes
itself connected, and is in no queue until its kernel has repeated its first bytes.) *Until answered* is all that it
then waits for the server, from each thing that it says until the answer is in its kernel: greeting, registration, and
its poll. The pause that its SDK makes before that poll (1 to 2 s), and what a busy generator takes to read on, are only
in *from connecting to assigned*."""

BOUND_SECONDS = 2.0
"""How long an admitted device may wait for its answers, as the 99th percentile."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A storm, its model, and whether the server admitted by its ordinary limits."""

    admission: bool
    real: RealStorm
    model: Outcome

    @property
    def name(self) -> str:
        """`admission on` or `admission off`."""
        return f"admission {'on' if self.admission else 'off'}"

    @property
    def complete(self) -> bool:
        """Whether every device was provisioned in the end."""
        return self.real.outcome.provisioned == self.real.outcome.devices

    @property
    def bounded(self) -> bool:
        """Whether nearly all of the admitted waited no longer than they may."""
        return percentile(self.real.outcome.served, 0.99) < BOUND_SECONDS


@dataclass(frozen=True, kw_only=True)
class RealReport:
    """One run of `python -m bench.storm.real`."""

    machine: Machine
    settings: Mapping[str, Any]
    calibration: Calibration
    storms: Sequence[Compared]

    @property
    def name(self) -> str:
        """The file name of the results."""
        return f"storm-{self.machine.taken_at[:10]}-{self.machine.kind}-{self.settings['devices']}"


def rows(report: RealReport) -> tables.Rows:
    """A column for each real storm and one for its model."""
    columns = {}
    for storm in report.storms:
        columns[storm.name] = _real_figures(storm.real)
        columns[f"model, {storm.name}"] = tables.figures(storm.model)
    return tables.side_by_side(columns)


def _real_figures(storm: RealStorm) -> dict[str, str]:
    resources, setbacks = storm.resources, storm.setbacks
    return tables.figures(storm.outcome) | {
        "from connecting to assigned, p50": tables.duration(percentile(storm.whole, 0.5)),
        "from connecting to assigned, p99": tables.duration(percentile(storm.whole, 0.99)),
        "most attempts of a device": str(storm.most_attempts),
        "attempts ended by a time-out": f"{setbacks.timeouts:,}",
        "attempts ended by the server closing": f"{setbacks.disconnects:,}",
        "attempts ended by another answer": f"{setbacks.errors:,}",
        "server, processor seconds": f"{resources.cpu_seconds:.1f}",
        "server, processors in its busiest second": f"{resources.busiest:.2f}",
        "server, memory before / at most": f"{resources.first_memory_mib:.0f} / {resources.peak_memory_mib:.0f} MiB",
        "generator, processor seconds": f"{setbacks.client_cpu_seconds:.1f}",
        "generator, processors in its busiest second": f"{storm.generator_resources.busiest:.2f}",
        "generator, without a socket": f"{setbacks.starved:,}",
        "generator, late at most": tables.duration(setbacks.latest_timer),
    }


def verdicts(report: RealReport) -> list[str]:
    """What is to be known at a glance."""
    lines = []
    for storm in report.storms:
        outcome = storm.real.outcome
        admitted = tables.duration(percentile(outcome.served, 0.99))
        connected = tables.duration(outcome.latency(0.99))
        lines.append(f"{storm.name}: {outcome.provisioned:,.0f} of {outcome.devices:,.0f} devices provisioned")
        lines.append(
            f"{storm.name}: once let in, 99 % waited {admitted} for their answers at most"
            f" (bound with admission: {BOUND_SECONDS:g} s); from connected, {connected}"
        )
        gap = largest_gap(storm.real.outcome, storm.model)
        lines.append(f"{storm.name}: model and storm are {gap:.1%} of the fleet apart at most")
    return lines


def markdown(report: RealReport) -> str:
    """The page for readers."""
    facts = dataclasses.asdict(report.machine) | dict(report.settings)
    return "\n\n".join(
        [
            f"# Storm of {report.machine.taken_at[:10]}",
            f"{report.settings['devices']:,} devices at {report.settings['overload']:g} times the capacity, which was "
            f"{report.calibration.capacity:,.0f} registrations a second just before.\n{_READING}",
            tables.for_markdown(rows(report)),
            "\n".join(f"- {line}." for line in verdicts(report)),
            f"![Devices provisioned over time]({report.name}.svg)",
            tables.for_markdown([["what", "value"], *([name, str(value)] for name, value in facts.items())]),
            tables.for_markdown([["version of", ""], *([name, text] for name, text in describe_versions().items())]),
        ]
    )


def as_document(report: RealReport) -> dict[str, Any]:
    """For programs; `service_times.read_times` reads its `times`."""
    return {
        "schema": 1,
        "machine": dataclasses.asdict(report.machine),
        "settings": dict(report.settings),
        "capacity": report.calibration.capacity,
        "cpu_us": report.calibration.cpu_us,
        "times": as_json(report.calibration.times),
        "figures": tables.side_by_side({storm.name: _real_figures(storm.real) for storm in report.storms}),
        "storms": [_storm_as_document(storm) for storm in report.storms],
    }


def _storm_as_document(storm: Compared) -> dict[str, Any]:
    started = storm.real.started
    samples = [
        (round(sample.at - started, 2), round(sample.processors, 3), round(sample.memory_mib, 1))
        for sample in storm.real.resources.samples
    ]
    return {
        "admission": storm.admission,
        "complete": storm.complete,
        "bounded": storm.bounded,
        "curve": storm.real.outcome.curve(),
        "model": storm.model.curve(),
        "server": {"columns": ["seconds", "processors", "MiB"], "rows": samples},
    }


def write(report: RealReport, directory: Path) -> list[Path]:
    """Write page, picture and document; answer their paths."""
    directory.mkdir(exist_ok=True)
    files = {
        ".md": markdown(report) + "\n",
        ".svg": draw(_chart(report)),
        ".json": json.dumps(as_document(report), indent=1) + "\n",
    }
    paths = [directory / (report.name + suffix) for suffix in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    return paths


def _chart(report: RealReport) -> Chart:
    curves = [
        (name, outcome)
        for storm in report.storms
        for name, outcome in ((storm.name, storm.real.outcome), (f"model, {storm.name}", storm.model))
    ]
    lines = [Line(name, [(time, 100 * part) for time, part in outcome.curve()]) for name, outcome in curves]
    title = f"{report.settings['devices']:,} devices at {report.settings['overload']:g} times the capacity"
    return Chart(title=title, x="seconds", y="% provisioned", lines=lines)
