"""Loopback addresses of the tests of faults: one for each kind of test, and for each process of a parallel run."""

import os

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_KINDS = ("disks", "slow", "clock", "postgresql", "copy")


def address(kind: str) -> str:
    """The address of a kind of test, in this process."""
    return f"127.0.97.{1 + _WORKER * len(_KINDS) + _KINDS.index(kind)}"
