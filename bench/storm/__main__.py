"""The command line of the model: `python -m bench.storm`, from the root of the repository."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.storm import clients, tables
from bench.storm.deployment import Deployment, Limit
from bench.storm.drawing import Chart, Line, draw
from bench.storm.fleet import SHAPES, make_fleet
from bench.storm.outcome import Outcome
from bench.storm.service_times import PUBLISHED, read_times
from bench.storm.simulation import Simulation

RESULTS = Path(__file__).parent.parent / "results"
EXACT_DEVICES = 1_000_000
"""Up to here each device is one; of more, cohorts of equals are simulated."""
ROUND_TRIP_SECONDS = 0.05
SERVERS: Mapping[str, Callable[[Deployment], Deployment]] = {
    "on": lambda deployment: deployment,
    "off": Deployment.without_admission,
    "eager": Deployment.eager,
}


@dataclass(frozen=True, kw_only=True)
class Storm:
    """All that a run depends on."""

    devices: int
    shares: dict[str, float]
    shape: str
    seconds: float
    seed: int
    deployment: Deployment
    limit: int
    until: float = math.inf

    @property
    def weight(self) -> int:
        """How many devices a simulated one stands for."""
        return max(1, -(-self.devices // self.limit))


class ClientShares(click.ParamType[dict[str, float]]):
    name = "clients"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        try:
            return clients.shares(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Count(click.ParamType[int]):
    """A whole number that may be written as 1e6."""

    name = "count"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value} is no number", param, ctx)
        return int(number) if number >= 1 else self.fail(f"{value} is less than one", param, ctx)


@click.command(context_settings={"show_default": True})
@click.option("--devices", default="1e6", type=Count(), help="The fleet; more than 1e6 are simulated in cohorts.")
@click.option("--nodes", default=4, type=click.IntRange(1, 1024))
@click.option("--workers", default=8, type=click.IntRange(1, 256), help="Worker processes, one a core, of each node.")
@click.option("--clients", "shares", default="mixed", type=ClientShares(), help="mixed, a client, or client=share,…")
@click.option("--arrivals", "shape", default="boot", type=click.Choice(list(SHAPES)))
@click.option("--seconds", default=60.0, help="Mean of the boot times, or length of the ramp.")
@click.option("--admission", default="all", type=click.Choice([*SERVERS, "all"]), help="Which server they come to.")
@click.option("--limit", type=float, help="With admission, registrations a second in all; beyond, 429.")
@click.option("--database-rate", type=float, help="Registrations a second that a database partition writes.")
@click.option("--partitions", default=1, type=click.IntRange(1))
@click.option("--calibration", type=click.Path(exists=True, path_type=Path), help="Service times of a real storm.")
@click.option("--seed", default=1)
@click.option("--cohorts", default=str(EXACT_DEVICES), type=Count(), help="At most so many are simulated.")
@click.option("--svg", type=click.Path(path_type=Path), default=RESULTS / "storm-model.svg")
def main(
    *,
    devices: int,
    shares: dict[str, float],
    shape: str,
    seconds: float,
    admission: str,
    calibration: Path | None,
    seed: int,
    cohorts: int,
    svg: Path,
    nodes: int,
    workers: int,
    database_rate: float | None,
    partitions: int,
    limit: float | None,
) -> None:
    """Simulate a fleet whose power returns; print a table, draw how many are provisioned over time.

    The servers: homeport with its limits (on), without them (off), and one that begins every handshake at once (eager).
    """
    deployment = Deployment(
        times=read_times(calibration) if calibration else PUBLISHED,
        nodes=nodes,
        workers_per_node=workers,
        round_trip=ROUND_TRIP_SECONDS,
        database_rate=database_rate,
        partitions=partitions,
        limit=None if limit is None else Limit(per_second=limit),
    )
    storm = Storm(
        devices=devices, shares=shares, shape=shape, seconds=seconds, seed=seed, deployment=deployment, limit=cohorts
    )
    _present(storm, _outcomes(storm, list(SERVERS) if admission == "all" else [admission]), svg)


def _outcomes(storm: Storm, kinds: list[str]) -> dict[str, Outcome]:
    outcomes = {}
    for kind in kinds:
        deployment = SERVERS[kind](storm.deployment)
        outcomes[f"admission {kind}"] = simulate(replace(storm, deployment=deployment), f"admission {kind}")
    return outcomes


def simulate(storm: Storm, name: str) -> Outcome:
    """Run one storm under a progress bar; Ctrl-C ends it with what it has."""
    count = -(-storm.devices // storm.weight)
    fleet = make_fleet(count, shares=storm.shares, shape=storm.shape, seconds=storm.seconds, seed=storm.seed)
    simulation = Simulation(fleet, storm.deployment, seed=storm.seed, weight=storm.devices / count)
    with _bar(name, count) as (progress, task):
        try:
            return simulation.run(
                until=storm.until,
                report=lambda done, now: progress.update(task, completed=done, storm=tables.duration(now)),
            )
        except KeyboardInterrupt:
            return simulation.outcome()


@contextmanager
def _bar(text: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    columns = (
        TextColumn(text),
        BarColumn(),
        TextColumn("{task.percentage:.0f} % provisioned after {task.fields[storm]}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        yield progress, progress.add_task("", total=total, storm="0 s")


def _present(storm: Storm, outcomes: dict[str, Outcome], svg: Path) -> None:
    deployment = storm.deployment
    console = Console()
    rows = tables.side_by_side({name: tables.figures(outcome) for name, outcome in outcomes.items()})
    title = f"{storm.devices:,} devices, {deployment.nodes} nodes of {deployment.workers_per_node} workers"
    console.print(tables.for_terminal(title, rows))
    console.print(f"capacity: {deployment.capacity:,.0f} devices a second, if each needed one attempt only")
    if storm.weight > 1:
        grain = storm.weight * deployment.times.provisioning
        console.print(f"cohorts of {storm.weight:,} devices: waits are no finer than {tables.duration(grain)}")
    lines = [Line(name, [(x, 100 * y) for x, y in outcome.curve()]) for name, outcome in outcomes.items()]
    svg.parent.mkdir(exist_ok=True)
    svg.write_text(draw(Chart(title=title, x="seconds after the power returned", y="% provisioned", lines=lines)))
    console.print(f"written: {svg}")


if __name__ == "__main__":
    main(prog_name="python -m bench.storm")
