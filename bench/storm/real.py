"""A real storm on this machine: `python -m bench.storm.real`, from the root of the repository.

Calibrates, plans a fleet that arrives at a multiple of the measured capacity, lets the load generator be that fleet,
simulates the same fleet, and writes both down. Its counterparts: `load/storm.h` and `simulation.py`.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.alone import alone
from bench.enrolling import enroll_symmetric_group
from bench.failures import BenchError
from bench.generator import BUILD, Generator, build
from bench.machine import describe_machine
from bench.servers.homeport import Homeport, Setup, homeport
from bench.storm import real_report, tables
from bench.storm.__main__ import RESULTS, ClientShares, Count
from bench.storm.calibration import Calibration, calibrate
from bench.storm.clients import CLIENTS, ApplicationLoop
from bench.storm.deployment import Deployment
from bench.storm.fleet import Fleet, make_fleet
from bench.storm.outcome import Outcome
from bench.storm.real_plan import write_plan
from bench.storm.real_report import Compared, RealReport
from bench.storm.real_run import RealStorm, run_storm
from bench.storm.simulation import Simulation

ADDRESS = "127.77.0.5"
WITHOUT_ADMISSION = {
    "HOMEPORT_LIMITS_PROFILE": "none",
    "HOMEPORT_LIMITS_TARGET_LAG_MS": "0",
    "HOMEPORT_TLS_HANDSHAKES": "20000",
}
"""What switches everything off that holds a fleet back, but the bound of connections."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked for; part of the report."""

    devices: int
    overload: float
    clients: dict[str, float]
    workers: int
    deadline: float
    seed: int
    operations: int

    @property
    def mqtt_share(self) -> float:
        """The part of the fleet that speaks MQTT; the rest speaks HTTPS."""
        return sum(share for name, share in self.clients.items() if CLIENTS[name].transport == "mqtt")


@click.command(context_settings={"show_default": True})
@click.option("--devices", default="50000", type=Count())
@click.option("--overload", default=3.0, type=click.FloatRange(min=0.1), help="Arrivals, in multiples of the capacity.")
@click.option("--clients", default="mixed", type=ClientShares(), help="mixed, a client, or client=share,…")
@click.option("--workers", default=1, type=click.IntRange(1), help="Worker processes of the server.")
@click.option("--admission", default="both", type=click.Choice(["on", "off", "both"]))
@click.option("--deadline", default=900.0, help="Seconds after which a storm is given up.")
@click.option("--operations", default=1_500, type=click.IntRange(100), help="Of each turn of the calibration.")
@click.option("--seed", default=1)
@click.option("--results", default=RESULTS, type=click.Path(path_type=Path))
def main(admission: str, results: Path, **numbers: object) -> None:
    """Let a fleet come back to a homeport on this machine; exit with 1 unless every device is provisioned in the end
    and, with admission, 99 % of them waited less than two seconds for the server."""
    settings = Settings(**numbers)  # type: ignore[arg-type]  # as click has checked them
    console = Console()
    try:
        with alone(BUILD / "lock"):
            report = hold_storms(settings, {"both": [True, False]}.get(admission, [admission == "on"]), console)
    except BenchError as error:
        console.print(f"[bold red]{error}[/]")
        sys.exit(2)
    console.print(tables.for_terminal(f"{settings.devices:,} devices", real_report.rows(report)))
    for line in [*real_report.verdicts(report), *(f"written: {path}" for path in real_report.write(report, results))]:
        console.print(line)
    kept = all(storm.complete and (storm.bounded or not storm.admission) for storm in report.storms)
    sys.exit(0 if kept else 1)


def hold_storms(settings: Settings, kinds: list[bool], console: Console) -> RealReport:
    """A storm with admission, without it, or both, each on a server of its own; the first calibrates for all."""
    generator = build()
    storms: list[Compared] = []
    calibration: Calibration | None = None
    for admission in kinds:
        name = f"storm-{'admission' if admission else 'no-admission'}"
        with _server(name, settings, admission=admission) as server:
            if calibration is None:
                console.print("calibrating")
                calibration = _calibrate(server, generator, settings)
                console.print(f"capacity: {calibration.capacity:,.0f} registrations a second")
            storms.append(_compare(settings, calibration, server, generator, admission=admission, console=console))
    assert calibration is not None
    described = {name: value for name, value in vars(settings).items() if name != "clients"}
    clients = ", ".join(f"{name} {share:.0%}" for name, share in settings.clients.items())
    return RealReport(
        machine=describe_machine(),
        settings=described | {"clients": clients},
        calibration=calibration,
        storms=storms,
    )


@contextmanager
def _server(name: str, settings: Settings, *, admission: bool) -> Iterator[Homeport]:
    directory = BUILD / "workspace" / name
    shutil.rmtree(directory, ignore_errors=True)
    with _environment({} if admission else WITHOUT_ADMISSION):
        running = homeport(directory, address=ADDRESS, setup=Setup(workers=settings.workers))
        with running as server:
            enroll_symmetric_group(server)
            yield server
    shutil.rmtree(directory / "data", ignore_errors=True)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """The server inherits them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _calibrate(server: Homeport, generator: Generator, settings: Settings) -> Calibration:
    return calibrate(
        server,
        generator,
        mqtt_share=settings.mqtt_share,
        workers=settings.workers,
        operations=settings.operations,
    )


def _compare(
    settings: Settings,
    calibration: Calibration,
    server: Homeport,
    generator: Generator,
    *,
    admission: bool,
    console: Console,
) -> Compared:
    seconds = settings.devices / (settings.overload * calibration.capacity)
    fleet = make_fleet(settings.devices, shares=settings.clients, shape="ramp", seconds=seconds, seed=settings.seed)
    text = f"storm, admission {'on' if admission else 'off'}"
    real = _hold(settings, fleet, server, generator, text=text, console=console)
    return Compared(admission=admission, real=real, model=simulate(settings, calibration, fleet, admission=admission))


def _hold(
    settings: Settings, fleet: Fleet, server: Homeport, generator: Generator, *, text: str, console: Console
) -> RealStorm:
    plan = write_plan(
        BUILD / "workspace" / "storm.plan",
        fleet,
        ports={"https": server.tls.port, "mqtt": server.mqtt.port},
        seed=settings.seed,
        deadline=settings.deadline,
        application=ApplicationLoop(),
    )
    columns = (TextColumn(text), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(fleet))
        return run_storm(generator, server, plan, len(fleet), lambda done, now: progress.update(task, completed=done))


def simulate(settings: Settings, calibration: Calibration, fleet: Fleet, *, admission: bool) -> Outcome:
    """The same fleet against the model of the same server."""
    deployment = Deployment(times=calibration.times, workers_per_node=settings.workers)
    return Simulation(fleet, deployment if admission else deployment.without_admission(), seed=settings.seed).run(
        until=settings.deadline
    )


if __name__ == "__main__":
    main(prog_name="python -m bench.storm.real")
