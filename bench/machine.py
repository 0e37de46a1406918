"""What the figures were taken on: the machine, and the version of everything that took part."""

import datetime
import os
import platform
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

SERVER_PACKAGES = (
    "homeport",
    "uvloop",
    "httptools",
    "pyopenssl",
    "cryptography",
    "msgspec",
    "uvicorn",
    "starlette",
    "structlog",
    "prometheus-client",
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The computer, named by kind and never by name: results are published."""

    cpu_model: str
    cores: int
    memory_gib: int
    kernel: str
    system: str
    load_average: float
    taken_at: str

    @property
    def kind(self) -> str:
        """A short name for file names: `2-core-amd-epyc`."""
        words = re.findall(r"[a-z0-9]+", re.sub(r"\(.*?\)", " ", self.cpu_model.lower()))
        return "-".join([f"{self.cores}-core", *words[:3]])


def describe_machine() -> Machine:
    """The machine, now."""
    return Machine(
        cpu_model=_cpu_model(Path("/proc/cpuinfo").read_text()),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        kernel=platform.release(),
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        load_average=round(os.getloadavg()[0], 2),
        taken_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def describe_versions() -> dict[str, str]:
    """Name and version of what the servers and the load generator are made of."""
    versions = {"Python": platform.python_version(), "SQLite (homeport)": sqlite3.sqlite_version}
    versions |= {f"{name} (homeport)": metadata.version(name) for name in SERVER_PACKAGES}
    versions["OpenSSL (homeport)"] = _output(
        sys.executable, "-c", "from OpenSSL import SSL; print(SSL.SSLeay_version(0).decode())"
    )
    nginx = _output("/usr/sbin/nginx", "-V")
    versions["nginx"] = _found(r"nginx/(\S+)", nginx)
    versions["OpenSSL (nginx)"] = _found(r"(?:built|running) with (OpenSSL [^\n]+)", nginx)
    versions["Mosquitto"] = _found(r"version (\S+)", _output("/usr/sbin/mosquitto", "-h"))
    versions["OpenSSL (Mosquitto, load generator)"] = _output("openssl", "version")
    versions["C compiler"] = _output("cc", "--version").splitlines()[0]
    return versions


def _cpu_model(cpuinfo: str) -> str:
    return _found(r"model name\s*:\s*(.+)", cpuinfo)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1].strip() if match else "unknown"


def _output(*command: str) -> str:
    """What the command prints, on either stream; several print their version on the wrong one."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except FileNotFoundError:
        return "not installed"
    return (done.stdout + done.stderr).strip()
