"""A running homeport, known from outside only: its command line, its ready file, its ports.

`run` starts `homeport up` on a loopback address of its own and stops it; with `HOMEPORT_READY_FILE` (and, for the
commands, `HOMEPORT_DATA_DIR`) the suite judges a server that somebody else runs.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests import postgresql
from tests.loopback import Network, address

# Each process of a parallel run has a server of its own.
ADDRESS = address(Network.CONFORMANCE)
READY_SECONDS = 20
STOP_SECONDS = 20
WORKERS = os.environ.get("HOMEPORT_TEST_WORKERS", "1")
LOG = "homeport.log"
HOMEPORT = Path(sys.executable).with_name("homeport")


@dataclass(frozen=True, kw_only=True)
class Server:
    """What a user needs to reach a homeport: the content of its ready file, and its data directory."""

    id_scope: str
    device_host: str
    service_connection_string: str
    hub_connection_string: str
    ca_file: Path
    data_dir: Path

    @property
    def hub(self) -> str:
        """The embedded hub's host name, as devices are told it."""
        return connection_string_fields(self.hub_connection_string)["HostName"]

    def command(self, *arguments: str) -> str:
        """Run a `homeport` sub-command on this server's data and return what it prints."""
        call = [HOMEPORT, *arguments, "--data-dir", self.data_dir]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, f"homeport {' '.join(arguments)} failed:\n{done.stderr}"
        return done.stdout


def connection_string_fields(connection_string: str) -> dict[str, str]:
    """The parts of `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`."""
    return dict(part.split("=", 1) for part in connection_string.split(";"))


@contextmanager
def run(directory: Path) -> Iterator[Server]:
    """A homeport for the suite: the one that the environment names, or a fresh one with its data in `directory`."""
    if "HOMEPORT_READY_FILE" in os.environ:
        data_dir = Path(os.environ.get("HOMEPORT_DATA_DIR", directory))
        yield _read(Path(os.environ["HOMEPORT_READY_FILE"]), data_dir)
        return
    ready_file, data_dir = directory / "ready.json", directory / "data"
    with (directory / LOG).open("w+") as log, _process(ready_file, data_dir, log) as process:
        _wait(process, ready_file, log)
        yield _read(ready_file, data_dir)


@contextmanager
def _process(ready_file: Path, data_dir: Path, log: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    call = [HOMEPORT, "up", "--data-dir", data_dir, "--ready-file", ready_file]
    call += ["--host", ADDRESS, "--bind", ADDRESS, "--workers", WORKERS]
    call += ["--database", postgresql.fresh_database()] if postgresql.is_chosen() else []
    process = subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0, f"homeport did not stop cleanly:\n{_tail(log)}"


def _wait(process: subprocess.Popen[bytes], ready_file: Path, log: IO[str]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready_file.exists():
        assert process.poll() is None, f"homeport up ended before it was ready:\n{_tail(log)}"
        assert time.monotonic() < deadline, f"homeport up was not ready in {READY_SECONDS} s:\n{_tail(log)}"
        time.sleep(0.05)


def _tail(log: IO[str]) -> str:
    log.seek(0)
    return log.read()[-4000:]


def _read(ready_file: Path, data_dir: Path) -> Server:
    ready = json.loads(ready_file.read_text())
    return Server(
        id_scope=ready["idScope"],
        device_host=ready["deviceHost"],
        service_connection_string=ready["serviceConnectionString"],
        hub_connection_string=ready["hubConnectionString"],
        ca_file=Path(ready["caFile"]),
        data_dir=data_dir,
    )
