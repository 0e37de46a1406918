"""What stands on the machines of the database: etcd on some, Patroni with PostgreSQL on others."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from failover import configuration
from failover.layout import ETCD, ETCD_PEERS, NETWORK, Layout, Place
from failover.machine import Command, Machine
from failover.versions import binaries, versions


@dataclass(frozen=True)
class Passwords:
    """The passwords of a run; new ones each time."""

    superuser: str = field(default_factory=lambda: token_hex(16), repr=False)
    replication: str = field(default_factory=lambda: token_hex(16), repr=False)
    homeport: str = field(default_factory=lambda: token_hex(16), repr=False)


def etcd_machine(place: Place, layout: Layout, parent: Path) -> Machine:
    """One of the members that agree on who leads. It needs the majority of them."""
    directory = configuration.own_directory(parent / place.name)
    clients, peers = f"http://{place.address}:{ETCD}", f"http://{place.address}:{ETCD_PEERS}"
    cluster = ",".join(f"{each.name}=http://{each.address}:{ETCD_PEERS}" for each in layout.etcd)
    options: dict[str, str | Path] = {
        "--name": place.name,
        "--data-dir": directory / "data",
        "--listen-client-urls": clients,
        "--advertise-client-urls": clients,
        "--listen-peer-urls": peers,
        "--initial-advertise-peer-urls": peers,
        "--initial-cluster": cluster,
        "--initial-cluster-state": "new",
    }
    offers = [] if etcd_api(versions()["Patroni"]) == "etcd3" else ["--enable-v2"]
    command: Command = ["etcd", *offers, *(word for option in options.items() for word in option)]
    return Machine(name=place.name, directory=directory, programs={"etcd": command}, unprivileged=True)


def member_machine(place: Place, layout: Layout, parent: Path, passwords: Passwords) -> Machine:
    """A member of the database: Patroni, which starts PostgreSQL as primary or replica."""
    directory = configuration.own_directory(parent / place.name)
    file = configuration.write(
        "patroni.yml",
        directory,
        name=place.name,
        address=place.address,
        network=NETWORK,
        etcd_api=etcd_api(versions()["Patroni"]),
        etcd=json.dumps([f"{each.address}:{ETCD}" for each in layout.etcd]),
        strict=json.dumps(layout.is_strict),
        directory=str(directory),
        binaries=str(binaries()),
        superuser_password=passwords.superuser,
        replication_password=passwords.replication,
    )
    command: Command = ["patroni", configuration.hand_over(file)]
    strays = directory / "data" / "postmaster.pid"
    return Machine(
        name=place.name,
        directory=directory,
        programs={"patroni": command},
        unprivileged=True,
        strays=lambda: _postmaster(strays),
    )


def etcd_api(patroni: str) -> str:
    """The section of Patroni's configuration for etcd: the newest API that is safe with this version of Patroni.

    Before 3.0.3 a leader that had hung took its lock back from its successor over API 3 (Patroni's pull request 2689).
    """
    return "etcd3" if tuple(map(int, patroni.split(".")[:3])) >= (3, 0, 3) else "etcd"


def _postmaster(file: Path) -> Iterator[int]:
    """The process of a PostgreSQL that runs; a file that it left behind may name somebody else's."""
    try:
        pid = int(file.read_text().split("\n", 1)[0])
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0", 1)[0].endswith(b"postgres"):
            yield pid
    except (OSError, ValueError):
        return
