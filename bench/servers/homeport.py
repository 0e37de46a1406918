"""homeport itself: `homeport up` with a fresh data directory, and what its ready file says.

The benchmark is an ordinary administrator: it reads the service connection string and enrolls its group
over the service API (`enrolling.py`). Nothing is switched off for it but the log's destination.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.disk import Disk
from bench.failures import BenchError
from bench.servers.process import Endpoint, Server, refuse_answering, running

MQTT_PORT = 18883
AMQP_PORT = 15671
HTTPS_PORT = 18443
ADDRESS = "127.77.0.3"
SECOND_ADDRESS = "127.77.0.4"
# HTTP without TLS is offered on this address only, whatever the others are.
PLAIN = Endpoint("127.0.0.1", 18080)


@dataclass(frozen=True, kw_only=True)
class Homeport(Server):
    """A running homeport and what an administrator needs to know about it."""

    mqtt: Endpoint
    amqp: Endpoint
    id_scope: str
    service_connection_string: str
    ca_file: Path


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a homeport is to run: `plain` adds HTTP without TLS, `database` is the URL of a PostgreSQL database in place
    of SQLite, `disk` stands between it and the disk."""

    plain: bool = False
    workers: int = 1
    database: str | None = None
    disk: Disk | None = None


_ORDINARY = Setup()


@contextmanager
def homeport(directory: Path, *, address: str = ADDRESS, setup: Setup = _ORDINARY) -> Iterator[Homeport]:
    """homeport while the block runs, its data in `directory/data`."""
    plain = setup.plain
    ports = [
        Endpoint(address, HTTPS_PORT),
        Endpoint(address, MQTT_PORT),
        Endpoint(address, AMQP_PORT),
        *([PLAIN] if plain else []),
    ]
    refuse_answering(ports)
    directory.mkdir(parents=True, exist_ok=True)
    ready_file = directory / "ready.json"
    ready_file.unlink(missing_ok=True)
    command = [*executable(), *_options(directory, ready_file, address, setup)]
    environment = setup.disk.environment if setup.disk else {}
    log = directory / "homeport.log"
    with running(command, log=log, is_ready=ready_file.exists, environment=environment) as pid:
        yield _described(json.loads(ready_file.read_text()), pid, address, PLAIN if plain else None)


def executable() -> list[str]:
    """The `homeport` command of this Python environment."""
    command = Path(sys.executable).parent / "homeport"
    if not command.exists():
        raise BenchError("homeport is not installed in this environment: pip install -e .")
    return [str(command)]


def _options(directory: Path, ready_file: Path, address: str, setup: Setup) -> list[str]:
    options: dict[str, object] = {
        "--data-dir": directory / "data",
        "--ready-file": ready_file,
        "--host": address,
        "--bind": address,
        "--https-port": HTTPS_PORT,
        "--mqtt-port": MQTT_PORT,
        "--amqp-port": AMQP_PORT,
    }
    if setup.plain:
        options["--plain-http-port"] = PLAIN.port
    if setup.workers != 1:
        options["--workers"] = setup.workers
    if setup.database is not None:
        options["--database"] = setup.database
    return ["up", *(str(word) for option in options.items() for word in option)]


def _described(ready: dict[str, Any], pid: int, address: str, plain: Endpoint | None) -> Homeport:
    return Homeport(
        name="homeport",
        pid=pid,
        tls=Endpoint(address, ready["httpsPort"]),
        plain=plain,
        mqtt=Endpoint(address, ready["mqttPort"]),
        amqp=Endpoint(address, ready["amqpPort"]),
        id_scope=ready["idScope"],
        service_connection_string=ready["serviceConnectionString"],
        ca_file=Path(ready["caFile"]),
    )
