"""`python -m bench.growth`: what a registration costs as the store grows from a thousand to ten million.

Two servers run side by side: one whose store stays at the smallest size, and one whose store is filled further before
each size. Both take the same registrations in turns, so that each size is compared with the smallest within its round.
Prints a table, and writes it with a plot and every round to `results/`. Ten million take about 20 GB and half an hour.
"""

import json
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console

from bench.__main__ import RESULTS, stop_on_sigterm
from bench.alone import alone
from bench.enrolling import enroll_symmetric_group
from bench.failures import BenchError
from bench.fill import fill_individual_enrollments, fill_registrations
from bench.generator import BUILD, build
from bench.machine import describe_machine
from bench.measurement import CaseResult, Judged
from bench.narrator import Narrator
from bench.plan import Plan, Settings
from bench.plot import Series, plot
from bench.registration_rounds import Side, take_turns
from bench.servers.homeport import ADDRESS, SECOND_ADDRESS, Homeport, homeport

WORKSPACE = BUILD / "growth"
BOUND = 1.3
SIZES = "1000,10000,100000,1000000,10000000"


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What was found: a result for each size, and the bytes that the database file grew by for each row."""

    results: Sequence[tuple[int, CaseResult]]
    bytes_per_registration: float
    bytes_per_enrollment: float


@click.command(context_settings={"show_default": True})
@click.option("--sizes", default=SIZES, help="Registrations in the store, separated by commas, smallest first.")
@click.option("--rounds", default=3, type=click.IntRange(1), help="Turns of each side at each size.")
@click.option("--operations", default=2_000, type=click.IntRange(100), help="Operations of each turn.")
@click.option("--check", is_flag=True, help=f"Exit with 1 when the largest size costs more than {BOUND} times.")
def main(sizes: str, *, rounds: int, operations: int, check: bool) -> None:
    """Measure a registration over stores of growing size."""
    console = Console()
    numbers = sorted({int(size) for size in sizes.split(",")})
    settings = Settings(rounds=rounds, operations=operations, devices=24, population=numbers[-1], idle_connections=0)
    try:
        growth = _measure(console, numbers, settings)
    except BenchError as error:
        console.print(f"[bold red]{error}[/]")
        sys.exit(2)
    console.print(page(growth))
    _write(growth, settings)
    sys.exit(1 if check and not growth.results[-1][1].kept else 0)


def _measure(console: Console, sizes: Sequence[int], settings: Settings) -> Growth:
    plan = Plan(settings=settings, generator=build(), workspace=WORKSPACE, narrator=Narrator(console))
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    try:
        with alone(BUILD / "lock"), plan.narrator.case("growth"):
            per_enrollment = _bytes_per_enrollment(plan, min(sizes[-1], 100_000))
            small = _filled(plan, "small", ADDRESS, range(sizes[0]))
            with homeport(small, address=ADDRESS) as reference:
                results = list(_results(plan, reference, sizes))
            per_registration = _bytes_per_registration(WORKSPACE / "growing", sizes[-1])
    finally:
        shutil.rmtree(WORKSPACE, ignore_errors=True)
    return Growth(results=results, bytes_per_registration=per_registration, bytes_per_enrollment=per_enrollment)


def _results(plan: Plan, reference: Homeport, sizes: Sequence[int]) -> Iterator[tuple[int, CaseResult]]:
    filled = 0
    for size in sizes:
        directory = _filled(plan, "growing", SECOND_ADDRESS, range(filled, size))
        filled = size
        with homeport(directory, address=SECOND_ADDRESS) as candidate:
            rounds, _ = take_turns(plan, _side(reference, f"small-{size}-"), _side(candidate, f"large-{size}-"))
        yield (
            size,
            CaseResult(
                case="growth",
                title=f"HTTPS registration with SAS, {size:,} registrations in the store",
                unit="us CPU",
                reference=f"homeport with {sizes[0]:,}",
                candidate=f"homeport with {size:,}",
                bound=BOUND,
                aim=1.1,
                judged=Judged.RATIO,
                rounds=rounds,
            ),
        )


def _side(server: Homeport, prefix: str) -> Side:
    return Side(server=server, endpoint=server.tls, mode="https", id_scope=server.id_scope, prefix=prefix)


def _filled(plan: Plan, name: str, address: str, numbers: range) -> Path:
    """A data directory with these registrations added; made at its first time, with the group of the devices."""
    directory = WORKSPACE / name
    if not (directory / "data").exists():
        with homeport(directory, address=address) as server:
            enroll_symmetric_group(server)
    fill_registrations(directory / "data", numbers, plan.narrator)
    return directory


def _bytes_per_enrollment(plan: Plan, count: int) -> float:
    directory = WORKSPACE / "enrollments"
    with homeport(directory, address=SECOND_ADDRESS):
        pass  # the first start makes the service and its database
    before = _database_bytes(directory)
    fill_individual_enrollments(directory / "data", count, plan.narrator)
    return (_database_bytes(directory) - before) / count


def _bytes_per_registration(directory: Path, count: int) -> float:
    return _database_bytes(directory) / count


def _database_bytes(directory: Path) -> int:
    """The file alone: the log is written back when the last process closes it."""
    return (directory / "data" / "homeport.db").stat().st_size


def page(growth: Growth) -> str:
    """The page for readers."""
    rows = [
        f"| {size:,} | {result.median_reference:.0f} | {result.median_candidate:.0f} | {result.median_ratio:.2f} |"
        for size, result in growth.results
    ]
    smallest = growth.results[0][0]
    return "\n".join(
        [
            "# What a registration costs as the store grows",
            "",
            f"HTTPS with SAS, server CPU in microseconds, beside a store of {smallest:,} in the same rounds.",
            "",
            f"| registrations | with {smallest:,} | with so many | ratio |",
            "| ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"The database file holds {growth.bytes_per_registration:,.0f} bytes for each registration (record, hub "
            "device with twin, subject, audit entry) "
            f"and {growth.bytes_per_enrollment:,.0f} for each individual enrollment.",
            "",
        ]
    )


def _write(growth: Growth, settings: Settings) -> None:
    machine = describe_machine()
    name = f"{machine.taken_at[:10]}-{machine.kind}-growth"
    found = {"machine": asdict(machine), "settings": asdict(settings), **asdict(growth)}
    costs = Series("server CPU", [(size, result.median_candidate) for size, result in growth.results])
    drawing = plot(
        [costs], title="A registration over a growing store", x="registrations", y="us CPU", logarithmic=True
    )
    for suffix, text in {".md": page(growth), ".json": json.dumps(found, indent=2) + "\n", ".svg": drawing}.items():
        (RESULTS / (name + suffix)).write_text(text)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_on_sigterm)
    main(prog_name="python -m bench.growth")
