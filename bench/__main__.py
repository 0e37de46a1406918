"""The command line: `python -m bench`, from the root of the repository."""

import dataclasses
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console

from bench import report
from bench.alone import alone
from bench.cases import CASES
from bench.failures import BenchError
from bench.generator import BUILD, build
from bench.machine import describe_machine, describe_versions
from bench.measurement import CaseResult
from bench.narrator import Narrator
from bench.plan import Plan, Settings

RESULTS = Path(__file__).parent / "results"
WORKSPACE = BUILD / "workspace"
THOUSANDS = click.IntRange(1_000)


@click.command(context_settings={"show_default": True})
@click.option("--cases", default=",".join(CASES), help="Which cases, separated by commas.")
@click.option("--rounds", default=3, type=click.IntRange(1), help="Turns of each side.")
@click.option("--operations", default=3_000, type=click.IntRange(100), help="Operations of each turn.")
@click.option("--devices", default=24, type=click.IntRange(1, 512), help="Devices at the same time.")
@click.option("--population", default=1_000_000, type=THOUSANDS, help="Enrollments in the large store.")
@click.option("--idle-connections", default=10_000, type=click.IntRange(10), help="MQTT connections held.")
@click.option("--quick", is_flag=True, help="A first look: 1 round, 500 operations, 20,000 enrollments.")
@click.option("--check", is_flag=True, help="Exit with 1 when a bound is missed.")
def main(cases: str, *, quick: bool, check: bool, **numbers: int) -> None:
    """Measure homeport beside nginx and Mosquitto; print a table; write bench/results/.

    Server processor time per operation, in interleaved rounds, judged by the ratio of each round.
    """
    console = Console()
    settings = Settings(**numbers)
    if quick:
        settings = dataclasses.replace(settings, rounds=1, operations=500, population=20_000, idle_connections=1_000)
    names = _chosen(cases)
    try:
        results = _measure(console, names, settings)
    except BenchError as error:
        console.print(f"[bold red]{error}[/]")
        sys.exit(2)
    finished = _report(settings, results, complete=not quick and names == list(CASES))
    _present(console, finished)
    sys.exit(1 if check and not finished.all_kept else 0)


def _chosen(cases: str) -> list[str]:
    names = [name.strip() for name in cases.split(",")]
    if unknown := [name for name in names if name not in CASES]:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(CASES)}", param_hint="--cases")
    return names


def _measure(console: Console, names: Sequence[str], settings: Settings) -> list[CaseResult]:
    plan = Plan(settings=settings, generator=build(), workspace=WORKSPACE, narrator=Narrator(console))
    with alone(BUILD / "lock"), emptied(WORKSPACE):
        return [_measure_case(name, plan) for name in names]


def _measure_case(name: str, plan: Plan) -> CaseResult:
    with plan.narrator.case(name):
        return CASES[name](plan)


@contextmanager
def emptied(workspace: Path) -> Iterator[None]:
    """Empty before; afterwards only the servers' logs are left, since a million enrollments are a gigabyte."""
    shutil.rmtree(workspace, ignore_errors=True)
    try:
        yield
    finally:
        for file in workspace.rglob("*"):
            if file.is_file() and file.suffix != ".log":
                file.unlink()


def _report(settings: Settings, results: Sequence[CaseResult], *, complete: bool) -> report.Report:
    return report.Report(
        machine=describe_machine(),
        versions=describe_versions(),
        settings=settings,
        results=results,
        complete=complete,
    )


def _present(console: Console, finished: report.Report) -> None:
    console.print(report.table(finished.results))
    if finished.disturbed:
        console.print("[yellow]The machine was busy with other things meanwhile; repeat this when it is idle.[/]")
    for path in report.write(finished, RESULTS):
        console.print(f"written: {path}")


def stop_on_sigterm(signal_number: int, frame: FrameType | None) -> NoReturn:
    """A signal handler that ends the process in order."""
    sys.exit(128 + signal_number)  # through the `with` blocks, which stop the servers


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_on_sigterm)
    main(prog_name="python -m bench")
