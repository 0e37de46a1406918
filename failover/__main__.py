"""`python -m failover`: all rounds, a report in `results/`, and a verdict as exit code."""

import argparse
import asyncio
import datetime
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from failover.layout import AlreadyRunning, Layout
from failover.outcome import Outcome
from failover.report import Run, render
from failover.rounds import BLOWS, Round
from failover.site import Site
from failover.versions import versions
from failover.waiting import NotReached

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """0 if every round held."""
    options = _options()
    # As Ctrl-C, which has the machines switched off.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    directory = Path(tempfile.mkdtemp(prefix="homeport-failover-"))
    # PostgreSQL's user must reach its own directories below.
    directory.chmod(0o711)
    try:
        run = _run(options, directory)
    except NotReached as late:
        print(f"{late}. Logs: {directory}")
        return 1
    except AlreadyRunning as error:
        shutil.rmtree(directory)
        print(f"{error}.")
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(directory)
        print("Stopped; every machine is switched off, and nothing is left of it.")
        return 1
    return _conclude(run, directory)


def _conclude(run: Run, directory: Path) -> int:
    """Write the report; logs and data stay if somebody will want to look at them."""
    report = render(run)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{run.date}-{run.members}-members.md").write_text(report, encoding="utf-8")
    print(f"\n{report}")
    if run.is_good:
        shutil.rmtree(directory)
        return 0
    print(f"Logs and data: {directory}")
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m failover", description=__doc__)
    parser.add_argument(
        "--members", type=int, choices=(2, 3), default=2, help="PostgreSQL members; three are strict (default 2)"
    )
    parser.add_argument("--per-second", type=float, default=25, help="new devices each second (default 25)")
    parser.add_argument(
        "--rounds",
        nargs="+",
        choices=BLOWS,
        default=list(BLOWS),
        help="which rounds, also more than once (default all)",
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeat the devices of a run")
    return parser.parse_args()


def _run(options: argparse.Namespace, directory: Path) -> Run:
    layout = Layout.with_members(options.members)
    site = Site(layout, directory)
    try:
        outcomes = asyncio.run(_play(site, options))
    finally:
        site.switch_off()
    return Run(
        date=datetime.date.today().isoformat(),
        members=options.members,
        strict=layout.is_strict,
        per_second=options.per_second,
        seed=options.seed,
        versions=versions(),
        outcomes=outcomes,
    )


async def _play(site: Site, options: argparse.Namespace) -> Sequence[Outcome]:
    say = _Narrator()
    deployment = await site.start(say)
    outcomes = []
    for number, name in enumerate(options.rounds, 1):
        say(f"round {number} of {len(options.rounds)}: {name}")
        played = Round(
            site,
            deployment,
            BLOWS[name],
            name=f"round-{number}",
            per_second=options.per_second,
            rng=random.Random(f"{options.seed}-{number}"),
        )
        outcomes.append(await played.play(say))
        if outcomes[-1].faults:
            say(f"{len(outcomes[-1].faults)} things are not as they should be")
            break
    return outcomes


class _Narrator:
    """Says what goes on, and when since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
