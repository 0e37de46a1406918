"""The ready file: written, whole, when all listeners accept; how scripts and tests find a server."""

import os
from pathlib import Path

import msgspec

from homeport.deployment.certificates import write_secret
from homeport.deployment.first_start import Deployment


class Ready(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The JSON of the ready file. It holds secrets; only its owner may read it."""

    id_scope: str
    device_host: str
    service_connection_string: str
    hub_connection_string: str
    ca_file: str
    https_port: int
    mqtt_port: int
    amqp_port: int
    plain_http_port: int | None
    pid: int


def write_ready_file(file: Path, deployment: Deployment, ports: dict[str, int]) -> None:
    """Write the file under its name at once, never half."""
    ready = Ready(
        id_scope=deployment.id_scope,
        device_host=deployment.device_host,
        service_connection_string=deployment.service_connection_string,
        hub_connection_string=deployment.hub_connection_string,
        ca_file=str(deployment.ca_file),
        https_port=ports["https"],
        mqtt_port=ports["mqtt"],
        amqp_port=ports["amqp"],
        plain_http_port=ports.get("plain_http"),
        pid=os.getpid(),
    )
    write_secret(file, msgspec.json.encode(ready))
