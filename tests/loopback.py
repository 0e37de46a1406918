"""Who stands at which loopback address: each kind of test has a network of its own, each process of a parallel run an
address in it. Servers are on the standard ports, so two at one address would be one too many.
"""

import os
from enum import Enum

_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


class Network(Enum):
    """Whose it is; the value is the third number of its addresses."""

    CONFORMANCE = 61
    CONFORMANCE_THROTTLING = 62
    POSTGRESQL = 63
    HOSTILE = 64
    THROTTLING = 65
    TRANSCRIPTS = 66
    WORKERS = 67
    DURABILITY = 68
    BEHIND_A_FRONT = 69
    FRONT = 70
    FRONT_TO_SERVER = 71
    GENERATOR = 72
    STORM = 73
    SOCKETS = 74
    OTHER_SOCKETS = 75
    DISKS = 76
    SLOW_DATABASE = 77
    CLOCK = 78
    DATABASE_GONE = 79
    COPY = 80


def address(network: Network) -> str:
    """The address that is this process's in a network, and nobody else's."""
    return f"127.0.{network.value}.{1 + _PROCESS}"
