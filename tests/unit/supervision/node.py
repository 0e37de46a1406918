"""A supervisor as a program, with workers that only wait: what it reports comes as lines, signals go to it.

A process of its own, since only one that has neither threads nor event loop may fork. `python -m
tests.unit.supervision.node DIRECTORY` runs it; the files in the directory are orders: while there is `broken`,
workers cannot start; while there is `unreadable`, the configuration is refused; while there is `frail`, workers die
once they are ready; `deaf` ones do not end when they are told to; while there is
`watched`, silence is not borne for long, and of the workers only `beating` ones ever beat.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from homeport.clock import SystemClock
from homeport.config import ConfigError
from homeport.supervision.processes import LEAVE
from homeport.supervision.seat import Seat
from homeport.supervision.supervisor import CannotStart, Plan, Supervisor
from homeport.supervision.worker import Reports

ROOT = Path(__file__).parents[3]


class Spoken:
    """Reports as lines: the name, then the values."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def say(*values: object, **named: object) -> None:
            shown = [f"pid={value}" if key == "pid" else str(value) for key, value in sorted(named.items())]
            _say(name, *map(str, values), *shown)

        return say


def _say(*words: str) -> None:
    """In one piece: several processes speak."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _work(orders: Path, seat: Seat, reports: Reports) -> int:
    told = {signal.SIGTERM, LEAVE}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    if (orders / "broken").exists():
        reports.cannot_start("it is broken")
        return 1
    assert seat.sockets is not None
    assert [each.fileno() >= 0 for each in seat.sockets["https"]] == [True]
    frail = (orders / "frail").exists()
    reports.ready()
    if frail:
        return 7
    if (orders / "beating").exists():
        threading.Thread(target=_beat, args=[reports], daemon=True).start()
    number = signal.sigwait(told)
    while (orders / "deaf").exists():
        number = signal.sigwait(told)
    _say("worker", seat.label, "was told", signal.Signals(number).name)
    return 0


def _beat(reports: Reports) -> None:
    async def live() -> None:
        reports.beat(asyncio.get_running_loop())
        await asyncio.Event().wait()

    asyncio.run(live())


def _reread(orders: Path) -> Plan:
    if (orders / "unreadable").exists():
        raise ConfigError("it is unreadable")
    return Plan(
        work=lambda seat, reports: _work(orders, seat, reports),
        stop_seconds=1.0,
        leave_seconds=1.0,
        silence_seconds=3.5 if (orders / "watched").exists() else 60.0,
    )


def _main(orders: Path) -> None:
    sets = [{"https": [socket.create_server(("127.0.0.1", 0))]} for _ in range(2)]
    supervisor = Supervisor(
        _reread(orders),
        sets,
        node="test",
        run_directory=orders,
        reread=lambda: _reread(orders),
        reports=Spoken(),  # type: ignore[arg-type]  # it answers to every name
        clock=SystemClock(),
    )
    try:
        code = supervisor.run(lambda: _say("ready"))
    except CannotStart as error:
        _say("cannot start:", str(error))
        code = 2
    sys.exit(code)


class Node:
    """The program, seen from outside."""

    def __init__(self, orders: Path, process: subprocess.Popen[str]) -> None:
        self._orders = orders
        self._process = process
        self._lines: IO[str] = process.stdout  # type: ignore[assignment]  # it is a pipe
        self.workers: dict[str, int] = {}
        """The process of each worker that became ready, by its label."""

    def order(self, name: str) -> None:
        """Give an order."""
        (self._orders / name).touch()

    def revoke(self, name: str) -> None:
        """Take an order back."""
        (self._orders / name).unlink()

    def send(self, number: signal.Signals) -> None:
        """Signal the supervisor."""
        self._process.send_signal(number)

    def pause(self, *, seconds: float) -> None:
        """Stop all of it, the workers too, for so long."""
        for number in (signal.SIGSTOP, signal.SIGCONT):
            os.killpg(self._process.pid, number)
            time.sleep(seconds if number == signal.SIGSTOP else 0.1)

    def kill(self, label: str) -> None:
        """`kill -9` of a worker."""
        os.kill(self.workers[label], signal.SIGKILL)

    def hear(self, wanted: str) -> list[str]:
        """The lines until the one that begins with `wanted`, and that one; without numbers of processes."""
        heard = []
        for line in self._lines:
            words = line.split()
            pids = [word for word in words if word.startswith("pid=")]
            said = " ".join(word for word in words if word not in pids)
            if said.startswith("worker_ready"):
                self.workers[words[1]] = int(pids[0].removeprefix("pid="))
            heard.append(said)
            if said.startswith(wanted):
                return heard
        raise AssertionError(f"{wanted!r} never came, but {heard}")

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        self._process.stdout.read()  # type: ignore[union-attr]  # it is a pipe
        return self._process.wait(30)


@contextmanager
def running(orders: Path) -> Iterator[Node]:
    """The program; killed in the end if it has not ended."""
    call = [sys.executable, "-m", "tests.unit.supervision.node", orders]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
    try:
        with process:
            yield Node(orders, process)
            process.kill()
    finally:
        process.kill()


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
