"""The homeport nodes, each with a HAProxy that leads to the primary; and the HAProxy in front, which devices call."""

import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import httpx

from failover import configuration
from failover.conversations import Service
from failover.layout import HTTPS, Layout, Place
from failover.machine import Machine
from failover.waiting import wait_for

HOMEPORT = Path(sys.executable).with_name("homeport")
CONFIGURATION, READY = "homeport.toml", "ready.json"
_PLUGIN = Path(__file__).with_name("plugin")
# What a node has in common with the others; the CA's key stays where it was made.
_SHARED = ("sealing.key", "server.pem", "server.key", "ca.pem")
# Every certificate of `homeport init` holds this name, too: HAProxy compares names, not addresses.
_CERTIFICATE_NAME = "localhost"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What opens the service: for devices, and for the administrator."""

    service: Service
    connection_string: str = field(repr=False)


class Nodes:
    """All homeport nodes of a layout, and the machine in front of them."""

    def __init__(self, layout: Layout, directory: Path, database_url: Callable[[str], str]) -> None:
        self._layout = layout
        self.nodes = [_node(place, layout, directory, database_url(place.address)) for place in layout.nodes]
        self.front = _front(layout, directory, ca_file=self.nodes[0].directory / "ca.pem")

    def initialize(self) -> None:
        """Make keys and schema on the first node, and give the keys to the others.

        Raises:
            subprocess.CalledProcessError: `homeport init` failed.
        """
        for node in self.nodes:
            node.start("haproxy")
        first, *others = (node.directory for node in self.nodes)
        call: list[str | Path] = [HOMEPORT, "init", "--data-dir", first, "--host", self._layout.front.address]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        for directory in others:
            for name in _SHARED:
                shutil.copy(first / name, directory / name)

    def start(self) -> Deployment:
        """Start the nodes and what stands in front of them.

        Raises:
            NotReached: a node is not ready in time.
        """
        for node in self.nodes:
            node.start("homeport")
        self.front.start()
        self.wait_until_ready()
        return _deployment(self._layout.front, self.nodes[0].directory)

    def wait_until_ready(self) -> None:
        """Wait until every node answers that it is ready, and one of them through the front.

        Raises:
            NotReached: one does not in time.
        """
        context = ssl.create_default_context(cafile=self.nodes[0].directory / "ca.pem")
        for place in (*self._layout.nodes, self._layout.front):
            wait_for(f"{place.name}, ready,", partial(_readiness, place, context))


def _node(place: Place, layout: Layout, parent: Path, database_url: str) -> Machine:
    directory = parent / place.name
    directory.mkdir(mode=0o700)
    members = configuration.database_servers(layout.members)
    balancer = configuration.write("haproxy-database.cfg", directory, address=place.address, members=members)
    file = configuration.write(CONFIGURATION, directory, name=place.name, address=place.address, url=database_url)
    return Machine(
        name=place.name,
        directory=directory,
        programs={
            "haproxy": ["haproxy", "-db", "-f", balancer],
            "homeport": [HOMEPORT, "serve", "--config", file, "--ready-file", directory / READY],
        },
        # So that a hub can be linked that is not in the box (see plugin/).
        environment={"PYTHONPATH": str(_PLUGIN)},
    )


def _front(layout: Layout, parent: Path, *, ca_file: Path) -> Machine:
    directory = parent / layout.front.name
    directory.mkdir(mode=0o700)
    file = configuration.write(
        "haproxy-devices.cfg",
        directory,
        address=layout.front.address,
        ca_file=str(ca_file),
        certificate_name=_CERTIFICATE_NAME,
        nodes=configuration.checked_servers(layout.nodes),
        **configuration.device_ports(layout.nodes),
    )
    return Machine(name=layout.front.name, directory=directory, programs={"haproxy": ["haproxy", "-db", "-f", file]})


def _readiness(place: Place, context: ssl.SSLContext) -> Literal[True] | None:
    url, name = f"https://{place.address}:{HTTPS}/readyz", {"sni_hostname": _CERTIFICATE_NAME}
    try:
        with httpx.Client(verify=context, timeout=2) as client:
            return client.get(url, extensions=name).status_code == httpx.codes.OK or None
    except httpx.HTTPError:
        return None


def _deployment(front: Place, directory: Path) -> Deployment:
    ready = json.loads((directory / READY).read_text())
    tls = ssl.create_default_context(cafile=directory / "ca.pem")
    service = Service(host=front.address, id_scope=ready["idScope"], tls=tls)
    return Deployment(service=service, connection_string=ready["serviceConnectionString"])
