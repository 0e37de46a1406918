"""`python -m tests.workers`: rolling restarts under load, until 10,000 devices are registered.

The exit code is 0 if none failed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tests.workers.rolling import play


def main() -> int:
    """Play what the command line asks for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.workers", description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000, help="devices to register (default 10,000)")
    devices: int = parser.parse_args().devices
    console = Console()
    directory = Path(tempfile.mkdtemp(prefix="homeport-workers-"))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("rolling", total=devices)
            rolled = play(directory, devices=devices, progress=lambda done: progress.update(task, completed=done))
    except Exception as failure:
        console.print(f"[red]Failed:[/] {failure!r}; the server's data and log are in {directory}", highlight=False)
        return 1
    console.print(str(rolled), *rolled.cut_off, sep="\n", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
