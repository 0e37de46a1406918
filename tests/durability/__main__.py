"""`python -m tests.durability`: the whole of it. The exit code is 0 if every round held.

A failure prints the seed and the directory that it left behind, so that both can be looked at again.
"""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from tests.durability.rounds import Round, play
from tests.loopback import Network, address

_ADDRESS = address(Network.DURABILITY)


def main() -> int:
    """Play the rounds that the command line asks for; the exit code."""
    options = _options()
    console = Console()
    directory = Path(tempfile.mkdtemp(prefix="homeport-durability-"))
    console.print(f"{options.rounds} rounds of {options.devices} devices, seed {options.seed}, data in {directory}")
    try:
        played = _play(console, directory, options)
    except AssertionError as failure:
        console.print(f"[red]Not durable:[/] {failure}", highlight=False, soft_wrap=True)
        console.print(f"Again with --seed {options.seed}; the server's data and log are in {directory}.")
        return 1
    console.print(_summary(played))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="how often the server is killed (default 50)")
    parser.add_argument("--devices", type=int, default=500, help="devices in each storm (default 500)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeat the moments of a run")
    parser.add_argument("--address", default=_ADDRESS, help=f"loopback address to take (default {_ADDRESS})")
    return parser.parse_args()


def _play(console: Console, directory: Path, options: argparse.Namespace) -> list[Round]:
    played = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("kill -9", total=options.rounds)
        rounds = play(
            directory, address=options.address, rounds=options.rounds, devices=options.devices, seed=options.seed
        )
        for each in rounds:
            progress.console.print(str(each), highlight=False, soft_wrap=True)
            progress.advance(task)
            played.append(each)
    return played


def _summary(played: list[Round]) -> Table:
    table = Table("rounds", "devices", "operations acknowledged", "assignments acknowledged", "lost", "twice")
    sums = (sum(each.devices for each in played), sum(each.operations for each in played))
    table.add_row(str(len(played)), *map(str, sums), str(sum(each.assignments for each in played)), "0", "0")
    return table


if __name__ == "__main__":
    sys.exit(main())
