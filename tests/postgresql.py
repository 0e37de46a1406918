"""A private PostgreSQL server for the tests: the system's binaries, its data in a temporary directory, gone at the end.

It starts when the first test asks for a database, one per test process, and gives each test a database of its own.
Root has it run by an unprivileged user, since it refuses root. Its own order of texts is not that of bytes, so that a
page which depended on it would come out wrong. A commit survives the death of the server, but no power cut.
"""

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

from tests.loopback import Network, address

USER = "homeport"
PASSWORD = "not-asked-for"
# Each process of a parallel run has a server of its own.
_ADDRESS = address(Network.POSTGRESQL)
_UNPRIVILEGED = ("postgres", "nobody")
_START_SECONDS = 30
_FAST = ("fsync=off", "full_page_writes=off", "max_connections=200")
_numbers = count(1)


def is_chosen() -> bool:
    """Whether tests that run on either engine are to run on this one."""
    return os.environ.get("HOMEPORT_TEST_DATABASE") == "postgresql"


class PostgresqlServer:
    """A server of one's own. `stop` and `start` may be repeated; `remove` leaves nothing."""

    def __init__(self, address: str = _ADDRESS) -> None:
        self._address = address
        self._folder = Path(tempfile.mkdtemp(prefix="homeport-postgresql-"))
        self._owner = _owner()
        if self._owner:
            shutil.chown(self._folder, self._owner)
        self._port = _free_port(address)
        self._process: subprocess.Popen[bytes] | None = None
        self._given_back: list[str] = []
        # ICU's order of texts is nobody's bytes.
        order = ("--locale-provider=icu", "--icu-locale=en-US") if _version() >= 15 else ()
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N", *order)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [word for setting in _FAST for word in ("-c", setting)]
        place = ("-h", self._address, "-p", str(self._port), "-k", str(self._folder))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary("postgres"), "-D", str(self._data), *place, *settings],
                stdout=log,
                stderr=log,
                user=self._owner,
            )
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run([_binary("pg_isready"), *self._reach()], stdout=subprocess.DEVNULL).returncode:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not start in time"
            time.sleep(0.02)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` ends transactions and writes back, `immediate` drops everything as a crash does."""
        if self._process is not None:
            self._run("pg_ctl", "stop", "-D", self._data, "-m", mode, "-w")
            self._process.wait()
            self._process = None

    def processes(self) -> list[int]:
        """Its processes: the one that listens, and those that it has started."""
        assert self._process is not None, "the server is not running"
        call = ["ps", "-o", "pid=", "--pid", str(self._process.pid), "--ppid", str(self._process.pid)]
        return [int(line) for line in subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()]

    def remove(self) -> None:
        """Stop it and remove its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def fresh_database(self) -> str:
        """The URL of an empty database: a new one, or one that was given back, which is ten times as fast."""
        if self._given_back:
            name = self._given_back.pop()
            self.ask(name, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        else:
            name = f"test_{next(_numbers)}"
            self.ask("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def give_back(self, url: str) -> None:
        """End the use of a database, whoever is connected."""
        self.end_connections(url)
        self._given_back.append(_name_of(url))

    def end_connections(self, url: str) -> None:
        """End every connection to a database, whatever it is doing, and wait until it is gone."""
        there = f"FROM pg_stat_activity WHERE datname = '{_name_of(url)}'"
        self.ask("postgres", f"SELECT pg_terminate_backend(pid, 10000) {there}")

    def url(self, database: str) -> str:
        """Where a database of this server is."""
        return f"postgresql://{USER}:{PASSWORD}@{self._address}:{self._port}/{database}"

    def ask(self, database: str, statement: str) -> str:
        """What `psql` answers to a statement: one line a row, columns with bars between."""
        call = [_binary("psql"), *self._reach(), "-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run([*call, "-c", statement], capture_output=True, text=True, check=False)
        if done.returncode:
            raise DatabaseError(done.stderr.strip())
        return done.stdout.strip()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _reach(self) -> list[str]:
        return ["-h", str(self._folder), "-p", str(self._port), "-U", USER]

    def _run(self, program: str, *arguments: str | Path) -> None:
        call = [_binary(program), *map(str, arguments)]
        done = subprocess.run(call, capture_output=True, text=True, check=False, user=self._owner, cwd="/")
        assert done.returncode == 0, f"{program} failed:\n{done.stdout}{done.stderr}"


class DatabaseError(Exception):
    """The server has refused a statement of a test."""


@cache
def server() -> PostgresqlServer:
    """The server of this test process."""
    made = PostgresqlServer()
    atexit.register(made.remove)
    made.start()
    return made


def fresh_database() -> str:
    """The URL of an empty database on the server of this test process."""
    return server().fresh_database()


def give_back(url: str) -> None:
    """End the use of a database that `fresh_database` has made."""
    server().give_back(url)


def end_connections(url: str) -> None:
    """End every connection to a database, whatever it is doing."""
    server().end_connections(url)


def ask(url: str, statement: str) -> str:
    """Run a statement beside whoever else uses the database."""
    return server().ask(_name_of(url), statement)


def _name_of(url: str) -> str:
    return url.rpartition("/")[2]


@cache
def _binary(program: str) -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(folders))])
    found = shutil.which(program, path=places)
    assert found, f"{program} is missing; ./scripts/install-components postgresql"
    return found


@cache
def _version() -> int:
    said = subprocess.run([_binary("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].split(".")[0])


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
