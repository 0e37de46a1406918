"""The first start: certificates, sealing key, configuration file, a provisioning service with its hub.

Each step makes only what is missing, so it may be repeated after an interruption. `up` does it on its own,
`init` on an operator's word; `serve` never.
"""

import base64
import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path

import msgspec

from homeport import application
from homeport.administration.access_policies import DEFAULT_HUB_POLICY, DEFAULT_SERVICE_POLICY
from homeport.clock import SystemClock, SystemRandomness
from homeport.config import ConfigError, StorageConfig, load
from homeport.deployment.certificates import ensure_certificates, write_secret
from homeport.model.linked_hub import LinkedHub
from homeport.model.provisioning_service import ProvisioningService
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import Storage

CONFIG_FILE = "homeport.toml"
SERVICE_NAME = "homeport"

_CONFIG = """\
# The server's configuration; `homeport serve --config` reads it. Every key: docs/reference/configuration.md

[server]
bind = [{bind}]
https_port = 443
mqtt_port = 8883
amqp_port = 5671

[tls]
certificate = "server.pem"
private_key = "server.key"

[storage]
{database}
sealing_key = "sealing.key"
"""
_FILE = "homeport.db"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What a user needs to know to talk to the server. The connection strings are secrets."""

    id_scope: str
    device_host: str
    service_connection_string: str
    hub_connection_string: str
    ca_file: Path


def certificate_hosts(hosts: Sequence[str]) -> list[str]:
    """The names that the server certificate is for: those asked for, then this machine's usual ones."""
    names = [*hosts, "localhost", socket.gethostname(), "127.0.0.1", "::1"]
    return list(dict.fromkeys(_checked(name) for name in names))


def ensure_files(
    directory: Path, hosts: Sequence[str], bind: Sequence[str], *, database: DatabaseUrl | None = None
) -> None:
    """Make the directory, certificates, sealing key and configuration file, where they are missing.

    The configuration names a SQLite file, or the PostgreSQL `database`; then only its owner may read it.

    Raises:
        ConfigError: a host is neither a DNS name nor an address, the sealing key of an existing database is lost, or
            the directory belongs to another database.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ensure_certificates(directory, certificate_hosts(hosts), SystemClock().now())
    sealing_key = directory / "sealing.key"
    if not sealing_key.exists():
        if (directory / _FILE).exists():
            raise ConfigError(f"{sealing_key} is gone, and the database is sealed with it. Restore it from a backup.")
        write_secret(sealing_key, base64.b64encode(SystemRandomness().token(32)) + b"\n")
    config = directory / CONFIG_FILE
    if not config.exists():
        text = _CONFIG.format(bind=", ".join(f'"{address}"' for address in bind), database=_database(database))
        write_secret(config, text.encode())
    elif database is not None and load(config).storage.url != database:
        raise ConfigError(f"{config} names another database. Change [storage] there, or take another --data-dir.")


def _database(url: DatabaseUrl | None) -> str:
    """A line of the configuration; TOML's basic strings escape as JSON's do."""
    return f'path = "{_FILE}"' if url is None else f"url = {msgspec.json.encode(url.reveal()).decode()}"


async def ensure_deployment(config: StorageConfig, *, host: str | None, ca_file: Path) -> Deployment:
    """Make the provisioning service and its embedded hub if there is none yet, and tell how to reach them.

    `host` names service and hub when they are made; an existing service keeps its name.

    Raises:
        ConfigError: the existing service has another host name than `host`.
    """
    clock = SystemClock()
    storage = await application.open_storage(config, clock=clock, writer_name="command-line")
    try:
        service = await _ensure_service(storage, host or "localhost")
        if host is not None and service.host_name != host:
            raise ConfigError(
                f"This data directory belongs to the host {service.host_name}, which its devices know as their hub. "
                f"Start with --host {service.host_name} first, or with another --data-dir."
            )
        return await _describe(storage, service, ca_file)
    finally:
        await storage.close()


async def describe_deployment(config: StorageConfig, *, ca_file: Path) -> Deployment:
    """How to reach a deployment that exists; makes nothing.

    Raises:
        ConfigError: the database holds no provisioning service with a hub.
    """
    storage = await application.open_storage(config, clock=SystemClock(), writer_name="command-line")
    try:
        services = await storage.settings.services()
        if not services:
            raise ConfigError("The database holds no provisioning service. `homeport init` makes one.")
        return await _describe(storage, services[0], ca_file)
    finally:
        await storage.close()


async def _ensure_service(storage: Storage, host: str) -> ProvisioningService:
    services, hubs, _ = application.administration(storage, clock=SystemClock(), randomness=SystemRandomness())
    existing = await storage.settings.services()
    if existing:
        service = existing[0]
    else:
        service, _ = await services.create(SERVICE_NAME, host_name=host, actor="system")
    if not await storage.settings.linked_hubs(service.service_id):
        hub = LinkedHub(service_id=service.service_id, host_name=service.host_name, connector="embedded")
        await hubs.link(hub, actor="system")
    return service


async def _describe(storage: Storage, service: ProvisioningService, ca_file: Path) -> Deployment:
    hub_host = (await storage.settings.linked_hubs(service.service_id))[0].host_name
    return Deployment(
        id_scope=service.id_scope,
        device_host=service.host_name,
        service_connection_string=await connection_string(storage, service, DEFAULT_SERVICE_POLICY),
        hub_connection_string=await connection_string(storage, service, DEFAULT_HUB_POLICY, hub_host_name=hub_host),
        ca_file=ca_file,
    )


async def connection_string(
    storage: Storage, service: ProvisioningService, policy_name: str, *, hub_host_name: str | None = None
) -> str:
    """A policy in the form that SDKs take.

    Raises:
        ConfigError: there is no policy of that name.
    """
    policy = await storage.settings.policy(service.service_id, policy_name, hub_host_name)
    if policy is None:
        raise ConfigError(f"The policy {policy_name} is gone. `homeport policies create {policy_name}` makes one.")
    host = hub_host_name or service.host_name
    return f"HostName={host};SharedAccessKeyName={policy.key_name};SharedAccessKey={policy.primary_key}"


def _checked(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    labels = host.split(".")
    if len(host) <= 253 and all(_is_label(label) for label in labels):
        return host
    raise ConfigError(f"{host!r} is neither a DNS name nor an IP address; give --host a name without port or scheme.")


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and label.isascii() and label.replace("-", "").replace("_", "").isalnum()
