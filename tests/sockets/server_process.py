"""A `homeport up` of one's own: started, stopped or killed, restarted on the same data, looked at from outside.

Each suite takes a loopback address for itself, so that several servers run at once on the standard ports. Knows the
command line, the ready file, the log and the process; nothing of the server's code.
"""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests import postgresql

_HOMEPORT = Path(sys.executable).with_name("homeport")
_READY_SECONDS = 30
_STOP_SECONDS = 30
TEST_WORKERS = int(os.environ.get("HOMEPORT_TEST_WORKERS", "1"))
"""How many workers a server has, unless a test says."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The content of a ready file: where the server is, and what opens it."""

    id_scope: str
    host: str
    service_policy: str
    service_key: str
    hub_policy: str
    hub_key: str
    ca_file: Path

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What a client needs to trust the server."""
        return ssl.create_default_context(cafile=self.ca_file)


class ServerProcess:
    """One data directory and the server on it. The log of all its lives is one file."""

    def __init__(self, directory: Path, address: str, *, log_level: str = "info", workers: int = TEST_WORKERS) -> None:
        self.data_dir = directory / "data"
        self._address = address
        self._log_level = log_level
        self._workers = workers
        self.ready_file = directory / "ready.json"
        self._log_file = directory / "homeport.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.database = postgresql.fresh_database() if postgresql.is_chosen() else str(self.data_dir / "homeport.db")
        """The server's database: a file, or a URL."""

    def start(self) -> Deployment:
        """Start the server, and wait until it says that it is ready."""
        self.ready_file.unlink(missing_ok=True)
        call: list[str | Path] = [_HOMEPORT, "up", "--data-dir", self.data_dir, "--ready-file", self.ready_file]
        call += ["--host", self._address, "--bind", self._address, "--workers", str(self._workers)]
        call += ["--log-format", "json", "--log-level", self._log_level]
        call += ["--database", self.database] if postgresql.is_chosen() else []
        with self._log_file.open("ab") as log:
            # A session of its own, so that the whole process group can be killed.
            self._process = subprocess.Popen(
                call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
            )
        self._wait()
        return _read(self.ready_file)

    def kill(self) -> None:
        """`kill -9` of the whole process group: nothing of it gets to say a word."""
        process = self._running()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_SECONDS)

    def stop(self) -> None:
        """Have the server drain; it must end by itself, with exit code 0."""
        process = self._running()
        process.terminate()
        code = process.wait(_STOP_SECONDS)
        assert code == 0, f"homeport stopped with exit code {code}:\n{self.log()[-4000:]}"

    def hang_up(self) -> None:
        """SIGHUP: what `systemctl reload` sends."""
        self._running().send_signal(signal.SIGHUP)

    def end(self) -> None:
        """Leave nothing running, whatever has happened."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `homeport` sub-command on the data directory."""
        call: list[str | Path] = [_HOMEPORT, *arguments, "--data-dir", self.data_dir]
        return subprocess.run(call, capture_output=True, text=True, check=False, timeout=60)

    def log(self) -> str:
        """Everything that the server has logged."""
        return self._log_file.read_text(encoding="utf-8", errors="replace")

    def processes(self) -> list[int]:
        """The server's processes: one, or a supervisor and its workers."""
        call = ["ps", "-o", "pid=", "-s", str(self._running().pid)]
        return [int(line) for line in subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()]

    def resident_bytes(self) -> int:
        """The memory that the server's processes hold now; what they share counts for each."""
        call = ["ps", "-o", "rss=", "-s", str(self._running().pid)]
        lines = subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()
        return sum(map(int, lines)) * 1024

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was never started"
        code = self._process.poll()
        assert code is None, f"the server is gone, exit code {code}:\n{self.log()[-4000:]}"
        return self._process

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self.ready_file.exists():
            self._running()
            assert time.monotonic() < deadline, f"homeport up was not ready in time:\n{self.log()[-4000:]}"
            time.sleep(0.02)


def _read(ready_file: Path) -> Deployment:
    ready = json.loads(ready_file.read_text())
    service, hub = (
        dict(part.split("=", 1) for part in ready[name].split(";"))
        for name in ("serviceConnectionString", "hubConnectionString")
    )
    return Deployment(
        id_scope=ready["idScope"],
        host=ready["deviceHost"],
        service_policy=service["SharedAccessKeyName"],
        service_key=service["SharedAccessKey"],
        hub_policy=hub["SharedAccessKeyName"],
        hub_key=hub["SharedAccessKey"],
        ca_file=Path(ready["caFile"]),
    )
