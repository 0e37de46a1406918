"""`python -m bench.loading`: a million enrollments and a million registrations, all through the public APIs.

Enrollments go in tens through the service API's bulk operation, as an administrator's import does, over several
connections; registrations over HTTPS with a fresh connection each, as devices do. Prints how many a second of each,
on the clock and for each second of the server's processor time, and how large the database became.
"""

import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

import click
from rich.console import Console

from bench.__main__ import RESULTS, emptied, stop_on_sigterm
from bench.alone import alone
from bench.enrolling import BULK_ITEMS, GROUP_KEY, enroll_in_bulk, enroll_symmetric_group
from bench.failures import BenchError
from bench.generator import BUILD, Fleet, Generator, build
from bench.machine import describe_machine
from bench.narrator import Narrator
from bench.processes import cpu_reading, cpu_seconds_between
from bench.servers.homeport import Homeport, Setup, homeport

WORKSPACE = BUILD / "loading"
CONNECTIONS = 8
PORTION = 5_000
"""Devices between two steps of the bar."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What loading took."""

    what: str
    count: int
    seconds: float
    cpu_seconds: float
    database_bytes: int

    @property
    def sentence(self) -> str:
        """For the report."""
        return (
            f"| {self.what} | {self.count:,} | {self.seconds:,.0f} s | {self.count / self.seconds:,.0f} | "
            f"{self.count / self.cpu_seconds:,.0f} | {self.database_bytes / 2**20:,.0f} MiB |"
        )


@click.command(context_settings={"show_default": True})
@click.option("--enrollments", default=1_000_000, type=click.IntRange(BULK_ITEMS), help="Individual enrollments.")
@click.option("--registrations", default=1_000_000, type=click.IntRange(1), help="Devices that register.")
@click.option("--workers", default=1, type=click.IntRange(1), help="Worker processes.")
def main(enrollments: int, registrations: int, workers: int) -> None:
    """Load a homeport through its public APIs, and say how fast that is."""
    console = Console()
    narrator = Narrator(console)
    try:
        with (
            alone(BUILD / "lock"),
            emptied(WORKSPACE),
            narrator.case("loading"),
            homeport(WORKSPACE, setup=Setup(workers=workers)) as server,
        ):
            enroll_symmetric_group(server)
            loads = [
                _measured(narrator, server, "enrollments", enrollments, _enroll(server)),
                _measured(narrator, server, "registrations", registrations, _register(server, build())),
            ]
    except BenchError as error:
        console.print(f"[bold red]{error}[/]")
        sys.exit(2)
    page = _page(loads, workers)
    console.print(page)
    machine = describe_machine()
    (RESULTS / f"{machine.taken_at[:10]}-{machine.kind}-loading.md").write_text(page)


Portion = Callable[[int, int], None]
"""Loads so many devices, the first of which has this number."""


def _measured(narrator: Narrator, server: Homeport, what: str, count: int, load: Portion) -> Load:
    before, started = cpu_reading(server.pid), monotonic()
    with narrator.counting(what, count) as advance:
        for first in range(0, count, PORTION):
            portion = min(PORTION, count - first)
            load(first, portion)
            advance(portion)
    return Load(
        what=what,
        count=count,
        seconds=monotonic() - started,
        cpu_seconds=cpu_seconds_between(before, cpu_reading(server.pid)),
        database_bytes=sum(file.stat().st_size for file in (WORKSPACE / "data").glob("homeport.db*")),
    )


def _enroll(server: Homeport) -> Portion:
    def enroll(first: int, count: int) -> None:
        step = -(-count // CONNECTIONS)
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            shares = [range(at, min(at + step, first + count)) for at in range(first, first + count, step)]
            for done in [threads.submit(enroll_in_bulk, server, share) for share in shares]:
                done.result()

    return enroll


def _register(server: Homeport, generator: Generator) -> Portion:
    def register(first: int, count: int) -> None:
        fleet = Fleet(id_scope=server.id_scope, group_key=GROUP_KEY, prefix=f"member-{first}-")
        generator.run("https", server.tls, fleet, operations=count, devices=24)

    return register


def _page(loads: list[Load], workers: int) -> str:
    return "\n".join(
        [
            "# Loading through the public APIs",
            "",
            f"{workers} worker, SQLite. Enrollments in tens by the bulk operation, registrations over HTTPS with SAS.",
            "",
            "| what | how many | time | a second | a CPU second of the server | database afterwards |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *(load.sentence for load in loads),
            "",
        ]
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_on_sigterm)
    main(prog_name="python -m bench.loading")
