"""A node with several workers: its log as events, its workers as processes.

Knows what the supervisor logs; `tests/sockets/server_process.py` knows the rest.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.loopback import Network, address
from tests.sockets.server_process import ServerProcess

ADDRESS = address(Network.WORKERS)
_PATIENCE = 60

Event = dict[str, Any]


class Node:
    """A running server of two workers."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.deployment = server.start()

    @property
    def supervisor(self) -> int:
        """The process that the ready file names."""
        pid: int = json.loads((self.server.data_dir.parent / "ready.json").read_text())["pid"]
        return pid

    @property
    def config_file(self) -> Path:
        """What SIGHUP has read again."""
        return self.server.data_dir / "homeport.toml"

    def events(self, name: str) -> list[Event]:
        """What has been logged under a name."""
        # The last line may be being written.
        lines = self.server.log().rpartition("\n")[0].splitlines()
        return [entry for line in lines if line.startswith("{") and (entry := json.loads(line))["event"] == name]

    def workers(self) -> dict[str, int]:
        """The process of each worker that serves, by its slot."""
        ended = {event["pid"] for event in self.events("worker_ended")}
        ready = [event for event in self.events("worker_ready") if event["pid"] not in ended]
        return {event["which"].removesuffix("b"): event["pid"] for event in ready}

    def kill(self, pid: int) -> None:
        """`kill -9` of one of its processes."""
        os.kill(pid, signal.SIGKILL)

    def roll(self) -> None:
        """SIGHUP, and wait until every worker has been relieved."""
        done = len(self.events("rolling_restart_done"))
        self.server.hang_up()
        until(lambda: len(self.events("rolling_restart_done")) > done, "the roll is done", self.server)


def until(is_true: Callable[[], object], what: str, server: ServerProcess) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + _PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, f"waited in vain until {what}:\n{server.log()[-4000:]}"
        time.sleep(0.01)


@contextmanager
def running(directory: Path) -> Iterator[Node]:
    """A node; it has to end by itself, and without a crash."""
    server = ServerProcess(directory, ADDRESS, workers=2)
    try:
        yield Node(server)
        server.stop()
        assert "Traceback" not in server.log(), server.log()[-8000:]
        assert '"crashed"' not in server.log(), server.log()[-8000:]
    finally:
        server.end()


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
