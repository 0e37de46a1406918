"""The files of `configuration/`, with the places and secrets of a run filled in."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from string import Template

from failover.layout import AMQP, HTTPS, MQTT, POSTGRESQL, Place
from failover.machine import OWNER

_TEMPLATES = Path(__file__).with_name("configuration")


def write(file_name: str, directory: Path, /, **values: str) -> Path:
    """Fill in a file of `configuration/` and put it into the directory, for its owner alone.

    Raises:
        KeyError: a value is missing.
    """
    file = directory / file_name
    file.write_text(Template((_TEMPLATES / file_name).read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
    file.chmod(0o600)
    return file


def own_directory(directory: Path) -> Path:
    """Make a directory for the programs of a machine that may not run as root."""
    directory.mkdir(mode=0o700)
    hand_over(directory)
    return directory


def hand_over(path: Path) -> Path:
    """Give a file or directory to the user that these programs run as, if root has made it."""
    if os.geteuid() == 0:
        shutil.chown(path, OWNER, OWNER)
    return path


def database_servers(members: Iterable[Place]) -> str:
    """The members as HAProxy's `server` lines."""
    return _lines(f"server {member.name} {member.address}:{POSTGRESQL}" for member in members)


def checked_servers(nodes: Iterable[Place]) -> str:
    """The nodes as `server` lines of the two health checks."""
    return _lines(f"server {node.name} {node.address}:{HTTPS} check" for node in nodes)


def device_servers(nodes: Iterable[Place], port: int) -> str:
    """The nodes as `server` lines of one device port: those that are ready, or else those that are alive."""
    nodes = list(nodes)
    ready = [f"server {node.name} {node.address}:{port} track ready/{node.name}" for node in nodes]
    alive = [f"server {node.name}-alive {node.address}:{port} track alive/{node.name} backup" for node in nodes]
    return _lines([*ready, *alive])


def device_ports(nodes: Iterable[Place]) -> dict[str, str]:
    """The `server` lines of all device ports, by name."""
    nodes = list(nodes)
    return {name: device_servers(nodes, port) for name, port in (("https", HTTPS), ("mqtt", MQTT), ("amqp", AMQP))}


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
