"""The figures of docs/explanation/internet-scale.md: `python -m bench.storm.scale` simulates its table anew.

Each row is a fleet whose power returns everywhere at once, and what meets it. Writes results/storm-scale.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from bench.storm import tables
from bench.storm.__main__ import RESULTS, ROUND_TRIP_SECONDS, Storm, simulate
from bench.storm.clients import MIXED
from bench.storm.deployment import Deployment, Limit
from bench.storm.outcome import Outcome
from bench.storm.service_times import PUBLISHED, read_times

WORKERS_PER_NODE = 8
BOOT_SECONDS = 60
PARTITION_RATE = 5_000
"""Registrations a second that one database partition is planned for; see the page for what that rests on."""
HEADROOM = 0.9
COHORTS = 50_000
GIVEN_UP_SECONDS = 3_600
"""A storm that lasts so long is not looked at any further."""
FLEETS = {1_000_000: (1, 2), 10_000_000: (4, 8, 16), 100_000_000: (16, 32, 64)}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A row: what it shows, and the storm."""

    name: str
    storm: Storm


def scenarios(deployment: Deployment) -> Iterator[Scenario]:
    """All rows. `deployment` has the service times; its nodes and database are replaced."""
    for devices, counts in FLEETS.items():
        for nodes in counts:
            yield from _of_nodes(devices, replace(deployment, nodes=nodes))


def _of_nodes(devices: int, deployment: Deployment) -> Iterator[Scenario]:
    stored = replace(deployment, partitions=deployment.nodes, database_rate=PARTITION_RATE)
    limit = Limit(per_second=HEADROOM * stored.capacity, burst_seconds=1)
    variants = {
        "processors": deployment,
        "a partition a node": stored,
        "a partition a node, limited to 90 % of it": replace(stored, limit=limit),
    }
    for name, variant in variants.items():
        storm = Storm(
            devices=devices,
            shares=dict(MIXED),
            shape="boot",
            seconds=BOOT_SECONDS,
            seed=1,
            deployment=variant,
            limit=COHORTS,
            until=GIVEN_UP_SECONDS,
        )
        yield Scenario(name=name, storm=storm)


HEADINGS = (
    "devices",
    "nodes",
    "what bounds it",
    "capacity a second",
    "50 %",
    "99 %",
    "all",
    "connections a device",
    "handshakes a device",
    "429 a device",
)


def row(scenario: Scenario, outcome: Outcome) -> list[str]:
    """The figures of a row."""
    storm = scenario.storm
    per_device = [f"{count / outcome.devices:.2f}" for count in (outcome.attempts, outcome.handshakes, outcome.refused)]
    return [
        f"{storm.devices:,}",
        str(storm.deployment.nodes),
        scenario.name,
        f"{storm.deployment.capacity:,.0f}",
        *(tables.duration(outcome.time_until(part)) for part in (0.5, 0.99, 1)),
        *per_device,
    ]


def page(rows: Sequence[Sequence[str]]) -> str:
    """The table with what it holds for."""
    return "\n\n".join(
        [
            "# Storms of the model",
            f"`python -m bench.storm.scale`: power returns everywhere, devices boot after {BOOT_SECONDS} s in the mean "
            f"(exponential), clients are mixed, nodes have {WORKERS_PER_NODE} workers, a round trip takes "
            f"{ROUND_TRIP_SECONDS * 1000:.0f} ms. *Processors*: the database takes whatever comes; *a partition a "
            f"node*: it takes {PARTITION_RATE:,} registrations a second for each. *Never*: not within an hour.",
            tables.for_markdown([HEADINGS, *rows]),
        ]
    )


@click.command(context_settings={"show_default": True})
@click.option("--calibration", type=click.Path(exists=True, path_type=Path), help="Service times of a real storm.")
@click.option("--results", default=RESULTS, type=click.Path(path_type=Path))
def main(calibration: Path | None, results: Path) -> None:
    """Simulate every row of the page about internet scale; Ctrl-C leaves out what has not been simulated."""
    times = read_times(calibration) if calibration else PUBLISHED
    base = Deployment(times=times, workers_per_node=WORKERS_PER_NODE, round_trip=ROUND_TRIP_SECONDS)
    rows = []
    for scenario in scenarios(base):
        storm = scenario.storm
        text = f"{storm.devices:,} devices, {storm.deployment.nodes} nodes, {scenario.name}"
        rows.append(row(scenario, simulate(storm, text)))
        click.echo(", ".join(rows[-1]))
    Console().print(tables.for_terminal("Storms of the model", [HEADINGS, *rows]))
    file = results / "storm-scale.md"
    file.write_text(page(rows) + "\n")
    click.echo(f"written: {file}")


if __name__ == "__main__":
    main(prog_name="python -m bench.storm.scale")
