"""Where the components are, and which versions of them take part, by their own word."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from failover.machine import PATH

_NUMBER = re.compile(r"\d+(?:\.\d+)+")


@cache
def versions() -> Mapping[str, str]:
    """By component."""
    calls = {
        "PostgreSQL": [str(binaries() / "postgres"), "--version"],
        "Patroni": ["patroni", "--version"],
        "etcd": ["etcd", "--version"],
        "HAProxy": ["haproxy", "-v"],
    }
    return {name: number(_said(call)) for name, call in calls.items()}


def number(text: str) -> str:
    """The first version number in a text."""
    found = _NUMBER.search(text)
    return found.group() if found else "of an unknown version"


def _said(call: list[str]) -> str:
    return subprocess.run(call, capture_output=True, text=True, check=True, env={"PATH": PATH}).stdout


def binaries() -> Path:
    """The newest PostgreSQL of the system.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    binary = found[-1] if found else shutil.which("postgres")
    if binary is None:
        raise FileNotFoundError("PostgreSQL is not installed; `./scripts/install-components failover` does it.")
    return Path(binary).parent
