"""The whole configuration, as frozen structs: a TOML file, then the environment.

`HOMEPORT_<SECTION>_<KEY>` overrides `[section] key`; lists are written with commas. A key that does not exist
is an error, not a comment. Paths are relative to the file. `homeport init` writes a file to start from.
"""

import enum
import os
import socket
import sys
import tomllib
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

import msgspec

from homeport.observability.logging import LogFormat
from homeport.storage.database_url import DatabaseUrl

_LONGEST_SHARED_LINGER_MS = 30.0


class ConfigError(Exception):
    """The configuration cannot be used; the message says where and what to do."""


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen. A port of 0 takes a free one. `plain_http_port` is loopback only, for a front on this
    machine and for measurements. `workers` is how many processes serve under `homeport serve`; 0 is one for each core.
    `node` names this machine among those that share a database, 63 characters at most; without it, it is the host
    name. Each worker's audit chain is called by it. `trusted_proxies` are addresses and networks of load balancers that
    begin each connection to a TLS port with the PROXY protocol's header, and are believed whom they pass on."""

    bind: tuple[str, ...] = ("127.0.0.1", "::1")
    https_port: int = 443
    mqtt_port: int = 8883
    amqp_port: int = 5671
    plain_http_port: int | None = None
    drain_seconds: float = 10.0
    workers: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    node: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9.-]{0,62})?$")] = ""
    trusted_proxies: tuple[str, ...] = ()

    @property
    def node_name(self) -> str:
        """What this node is called."""
        return self.node or socket.gethostname()

    @property
    def trusted_networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """The trusted proxies; an address is a network of one.

        Raises:
            ConfigError: one of them is neither.
        """
        try:
            return [ip_network(each) for each in self.trusted_proxies]
        except ValueError as error:
            raise ConfigError(f"[server] trusted_proxies: {error}; write 10.0.0.7, or 10.0.0.0/24.") from None

    @property
    def worker_count(self) -> int:
        """How many workers there are to be, and not 0: a core is one that this process may use."""
        return self.workers or len(os.sched_getaffinity(0) if sys.platform == "linux" else range(os.cpu_count() or 1))


class TlsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server's certificate chain and key, PEM; beside them another pair with an RSA key, for clients that know no
    ECDSA. The files are looked at every `watch_seconds` and used anew once they have changed, as at a SIGHUP.
    Handshakes under way are bounded in all and for each address (of IPv6: each /64), and in time."""

    certificate: Path
    private_key: Path
    rsa_certificate: Path | None = None
    rsa_private_key: Path | None = None
    watch_seconds: float = 5.0
    handshake_seconds: float = 15.0
    handshakes: int = 2_000
    handshakes_per_address: int = 1_000


class StorageConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database, either `path`, a SQLite file, or `url`, a PostgreSQL database that several nodes may share, as in
    `postgresql://homeport@db.example/homeport?sslmode=verify-full`; the file with the sealing key (32 bytes, base64),
    the same for all nodes; and how long a commit may wait for company, in milliseconds, for each of the workers that
    the company is divided among, but not beyond 30. A password may stand in the URL, or better in
    `HOMEPORT_STORAGE_URL` or the file that `PGPASSFILE` names. From the environment, one of `path` and `url` takes the
    place of the other."""

    sealing_key: Path
    path: Path | None = None
    url: DatabaseUrl | None = None
    linger_ms: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 10.0

    def linger(self, workers: int) -> float:
        """Seconds that a commit of one of so many workers may wait: so long that the node commits as often as with one.

        Company is not worth every wait: devices notice tenths of seconds.
        """
        return max(self.linger_ms, min(workers * self.linger_ms, _LONGEST_SHARED_LINGER_MS)) / 1000


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the log looks, and from which level on."""

    format: LogFormat = LogFormat.AUTO
    level: str = "info"


class AssignmentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a registration waits for its hub before a worker takes over, and how often the worker looks."""

    budget_ms: float = 250.0
    poll_seconds: float = 1.0


class LimitsProfile(enum.StrEnum):
    """Where the numbers of `[limits]` come from that are not given."""

    GENEROUS = "generous"
    HOSTED = "hosted"
    NONE = "none"


_Limit = Annotated[int, msgspec.Meta(ge=0)] | None


class LimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often devices and administrators may ask; 0 is no limit, and what is not given is the profile's: `generous`
    stops only a device that runs in circles, `hosted` has the limits of the hosted service, `none` has none. What is
    limited for a service, a group or an address is divided among the worker processes, what is limited for a device
    each of them counts for itself. `longest_retry_after` is the longest wait in seconds that anybody is told; more than
    300 some SDKs take for 1. `keys` is how many devices and addresses are remembered. `target_lag_ms` is how late the
    event loop may be before new handshakes are put off; 0 never does anything about overload."""

    profile: LimitsProfile = LimitsProfile.GENEROUS
    registrations_per_minute: _Limit = None
    registrations_per_minute_per_group: _Limit = None
    registrations_per_minute_per_device: _Limit = None
    requests_per_minute_per_address: _Limit = None
    polls_per_10_seconds_per_device: _Limit = None
    service_operations_per_minute: _Limit = None
    longest_retry_after: Annotated[int, msgspec.Meta(ge=1, le=300)] = 300
    keys: Annotated[int, msgspec.Meta(ge=2)] = 100_000
    target_lag_ms: Annotated[float, msgspec.Meta(ge=0)] = 50.0

    def number(self, key: str) -> int:
        """What a key limits to: as it is given, or as the profile says; 0 is no limit."""
        given: int | None = getattr(self, key)
        return _PROFILES[self.profile].get(key, 0) if given is None else given


_RUNS_IN_CIRCLES = {"registrations_per_minute_per_device": 600, "polls_per_10_seconds_per_device": 600}
_PROFILES: Mapping[LimitsProfile, Mapping[str, int]] = {
    LimitsProfile.GENEROUS: _RUNS_IN_CIRCLES,
    # As documented (behaviour of the hosted service, quotas and throttles, March 2024).
    LimitsProfile.HOSTED: {
        **_RUNS_IN_CIRCLES,
        "registrations_per_minute": 1_000,
        "polls_per_10_seconds_per_device": 5,
        "service_operations_per_minute": 1_000,
    },
    LimitsProfile.NONE: {},
}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a server needs to start."""

    tls: TlsConfig
    storage: StorageConfig
    server: ServerConfig = ServerConfig()
    log: LogConfig = LogConfig()
    assignment: AssignmentConfig = AssignmentConfig()
    limits: LimitsConfig = LimitsConfig()


_INSTEAD = {("storage", "path"): "url", ("storage", "url"): "path"}
"""Of two keys that exclude each other, what the environment says takes the place of what the file says."""


def load(file: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: the file cannot be read, is not TOML, has an unknown key or a value of the wrong type, names half
            of a pair, or not exactly one database.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}). `homeport init` writes one.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from error
    _override(document, environment)
    try:
        config = msgspec.convert(document, Config, strict=False, dec_hook=_from_text)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {error}.") from error
    if (config.tls.rsa_certificate is None) != (config.tls.rsa_private_key is None):
        raise ConfigError(f"{file}: [tls] rsa_certificate and rsa_private_key belong together; give both or none.")
    if (config.storage.path is None) == (config.storage.url is None):
        raise ConfigError(f"{file}: [storage] takes a path (SQLite) or a url (PostgreSQL); give one of them.")
    return _resolved(config, file.parent)


def _from_text(wanted: type, value: object) -> object:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    if wanted is DatabaseUrl and isinstance(value, str):
        return DatabaseUrl(value)
    raise ValueError(f"`{value}` is not a {wanted.__name__}")


def _override(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    for field in msgspec.structs.fields(Config):
        for key in msgspec.structs.fields(field.type):
            value = environment.get(f"HOMEPORT_{field.name}_{key.name}".upper())
            # A section that is no table is refused with its place, by the conversion.
            if value is not None and isinstance(section := document.setdefault(field.name, {}), dict):
                section[key.name] = value.split(",") if key.type == tuple[str, ...] else value
                section.pop(_INSTEAD.get((field.name, key.name)), None)


def _resolved(config: Config, directory: Path) -> Config:
    replace = msgspec.structs.replace
    tls, storage = config.tls, config.storage
    return replace(
        config,
        tls=replace(
            tls,
            certificate=directory / tls.certificate,
            private_key=directory / tls.private_key,
            rsa_certificate=tls.rsa_certificate and directory / tls.rsa_certificate,
            rsa_private_key=tls.rsa_private_key and directory / tls.rsa_private_key,
        ),
        storage=replace(
            storage, path=storage.path and directory / storage.path, sealing_key=directory / storage.sealing_key
        ),
    )
