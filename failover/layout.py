"""Which machine has which address. Each stands for one of an operator's; all are loopback addresses of this one."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

NETWORK = "127.0.0.0/8"
"""Where connections come from: Linux makes 127.0.0.1 the source of those to any loopback address."""

HTTPS, MQTT, AMQP = 443, 8883, 5671
ETCD, ETCD_PEERS = 2379, 2380
POSTGRESQL, PATRONI = 5432, 8008


class AlreadyRunning(Exception):
    """The addresses are taken."""


@dataclass(frozen=True)
class Place:
    """A machine's name and address."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All machines of a run. `front` is what devices call: HAProxy, and behind it the nodes."""

    front: Place = Place("front", "127.0.96.10")
    etcd: Sequence[Place] = field(default_factory=lambda: _places("etcd", 3, first=21))
    members: Sequence[Place]
    nodes: Sequence[Place] = field(default_factory=lambda: _places("node", 2, first=41))

    @classmethod
    def with_members(cls, count: int) -> "Layout":
        """A layout with so many members of the database."""
        return cls(members=_places("database", count, first=31))

    def refuse_company(self) -> None:
        """Two runs cannot share these addresses.

        Raises:
            AlreadyRunning: somebody answers there.
        """
        with socket.socket() as probe:
            if probe.connect_ex((self.etcd[0].address, ETCD)) == 0:
                raise AlreadyRunning(f"Another run is under way, or was killed: {self.etcd[0].address}:{ETCD} answers")

    @property
    def is_strict(self) -> bool:
        """Whether commits wait for a second disk even then when a member is missing, which takes a third."""
        return len(self.members) > 2


def _places(role: str, count: int, *, first: int) -> list[Place]:
    return [Place(f"{role}-{number + 1}", f"127.0.96.{first + number}") for number in range(count)]
