"""PostgreSQL, homeport's second engine: a private server with the system's binaries, durable as it comes.

It refuses to run as root, so root has it run by the user that Debian's package makes. Its processes are not those of
homeport and are measured apart.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.failures import BenchError
from bench.servers.process import Endpoint, Server, refuse_answering, running

FIRST, SECOND = Endpoint("127.77.0.5", 15432), Endpoint("127.77.0.6", 15432)
USER = "postgres"
DATABASE = "homeport"


@dataclass(frozen=True, kw_only=True)
class Postgresql(Server):
    """A running PostgreSQL with an empty database."""

    url: str


@contextmanager
def postgresql(directory: Path, endpoint: Endpoint = FIRST) -> Iterator[Postgresql]:
    """PostgreSQL while the block runs, its data in `directory/data`.

    Raises:
        BenchError: it is not installed, or does not start.
    """
    refuse_answering([endpoint])
    data = directory / "data"
    data.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, USER)
    _call("initdb", "--pgdata", data, "--auth", "trust", "--username", USER, "--encoding", "UTF8", "--locale", "C")
    # No Unix socket: its path would be too long for the system.
    options = {"-D": data, "-h": endpoint.address, "-p": endpoint.port, "-k": ""}
    command = _as_owner(_binary("postgres"), *(str(word) for option in options.items() for word in option))
    with running(command, log=directory / "postgresql.log", is_ready=endpoint.answers) as pid:
        _call("createdb", "--host", endpoint.address, "--port", endpoint.port, "--username", USER, DATABASE)
        url = f"postgresql://{USER}@{endpoint}/{DATABASE}"
        yield Postgresql(name="PostgreSQL", pid=pid, tls=endpoint, url=url)


def version() -> str:
    """What the server says that it is, or that there is none."""
    try:
        return subprocess.run([_binary("postgres"), "--version"], capture_output=True, text=True).stdout.strip()
    except BenchError:
        return "not installed"


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    binary = str(found[-1]) if found else shutil.which(name)
    if binary is None:
        raise BenchError("PostgreSQL is not installed (Debian: postgresql).")
    return binary


def _as_owner(*command: str) -> list[str]:
    """Root becomes PostgreSQL's user; anybody else is the owner already."""
    return (
        ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", *command] if os.geteuid() == 0 else [*command]
    )


def _call(name: str, *arguments: object) -> None:
    command = _as_owner(_binary(name), *map(str, arguments))
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        raise BenchError(f"{name} failed: {done.stderr.strip()}")
