"""`python -m tests.faults.copy --rows 1000000`: a large deployment is copied, killed twice on the way, and serves.

The exit code is 0 if what has arrived is equal; with `--judge`, also if the real SDKs find nothing amiss at a server on
the copy (`conformance/`). The PostgreSQL server is the tests' own, which does not wait for its disk: the time is
that of the copy.
"""

import argparse
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tests import postgresql
from tests.faults import deployment
from tests.faults.copy_process import CopyProcess
from tests.faults.test_copy import ADDRESS, FILLED, check_it_serves
from tests.sockets.server_process import ServerProcess
from tests.storage.material import tell

_INTERRUPTIONS = 2
_PAUSE = 0.2
_WALKABLE = 1000


def main() -> int:
    """Do it; the exit code."""
    options = _options()
    console = Console()
    directory = Path(tempfile.mkdtemp(prefix="homeport-copy-"))
    target = postgresql.fresh_database()
    console.print(f"{options.rows} devices, seed {options.seed}, data in {directory}")
    try:
        _make(console, directory / "data", options.rows)
        _copy(console, directory / "data", target, options)
        deployment.move_to(directory / "data", target)
        check_it_serves(ServerProcess(directory, ADDRESS, workers=1))
        console.print("The copy serves, and is checked.")
        if options.judge is not None:
            _judge(ServerProcess(directory, ADDRESS, workers=1), _judges(options))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.copy", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="enrollments, and as many registrations")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeat the moments of a run")
    parser.add_argument(
        "--judge",
        nargs="*",
        metavar="FILE",
        help="have the conformance suite, or these files of it, judge the copy; the tests that read every enrollment "
        f"a page at a time run with {_WALKABLE} rows or fewer",
    )
    return parser.parse_args()


def _make(console: Console, directory: Path, devices: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, *times, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("make", total=devices)
        file = deployment.make(directory, devices, lambda count: progress.advance(task, count))
    seconds = time.monotonic() - started
    console.print(f"made in {seconds:.0f} s, {file.stat().st_size / 1e6:.0f} MB", highlight=False)


def _copy(console: Console, source: Path, target: str, options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    total = len(FILLED) * options.rows
    started = time.monotonic()
    copying = CopyProcess(source, target)
    for moment in sorted(chance.randrange(total) for _ in range(_INTERRUPTIONS)):
        while copying.is_running and _copied(target) < moment:
            time.sleep(_PAUSE)
        if not copying.is_running:
            console.print(f"too few rows to be killed at {moment} of {total}")
            break
        copying.kill()
        console.print(
            f"killed at {_copied(target)} of {total} rows, {time.monotonic() - started:.0f} s after the start"
        )
        copying = CopyProcess(source, target)
    said = copying.finish()
    console.print(said, highlight=False, markup=False)
    assert said.count(f"{options.rows} rows, equal") >= 3
    console.print(f"copied and compared in {time.monotonic() - started:.0f} s, two deaths included", highlight=False)


def _judges(options: argparse.Namespace) -> list[str]:
    """What to run."""
    everything = options.rows <= _WALKABLE
    return [*(options.judge or ["conformance"]), *([] if everything else ["-m", "not walks_all_enrollments"])]


def _judge(server: ServerProcess, judges: list[str]) -> None:
    """The conformance suite on this one server, hence one test after the other: several would share its policies."""
    try:
        server.start()
        environment = {"HOMEPORT_READY_FILE": str(server.ready_file), "HOMEPORT_DATA_DIR": str(server.data_dir)}
        call = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *judges]
        subprocess.run(call, env=os.environ | environment, check=True)
        server.stop()
    finally:
        server.end()


def _copied(target: str) -> int:
    """Rows that are there; none while no copy is under way."""
    try:
        return int(tell(target, "SELECT coalesce(sum(copied), 0) FROM copy_progress")[0])
    except postgresql.DatabaseError:  # It has no such table before, and none afterwards.
        return 0


if __name__ == "__main__":
    sys.exit(main())
