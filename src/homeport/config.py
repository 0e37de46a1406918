"""The whole configuration, as frozen structs: a TOML file, then the environment.

`HOMEPORT_<SECTION>_<KEY>` overrides `[section] key`; lists are written with commas. A key that does not exist
is an error, not a comment. Paths are relative to the file. `homeport init` writes a file to start from.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from homeport.observability.logging import LogFormat


class ConfigError(Exception):
    """The configuration cannot be used; the message says where and what to do."""


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen. A port of 0 takes a free one. `plain_http_port` is loopback only, for a front on this
    machine and for measurements."""

    bind: tuple[str, ...] = ("127.0.0.1", "::1")
    https_port: int = 443
    mqtt_port: int = 8883
    amqp_port: int = 5671
    plain_http_port: int | None = None
    drain_seconds: float = 10.0


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
    """The database file, the file with the sealing key (32 bytes, base64), and how long a commit may wait for
    company, in milliseconds."""

    path: Path
    sealing_key: Path
    linger_ms: float = 3.0


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the log looks, and from which level on."""

    format: LogFormat = LogFormat.AUTO
    level: str = "info"


class AssignmentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a registration waits for its hub before a worker takes over, and how often the worker looks."""

    budget_ms: float = 250.0
    poll_seconds: float = 1.0


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a server needs to start."""

    tls: TlsConfig
    storage: StorageConfig
    server: ServerConfig = ServerConfig()
    log: LogConfig = LogConfig()
    assignment: AssignmentConfig = AssignmentConfig()


def load(file: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: the file cannot be read, is not TOML, has an unknown key or a value of the wrong type, or names
            half of a pair.
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
    return _resolved(config, file.parent)


def _from_text(wanted: type, value: object) -> object:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"`{value}` is not a {wanted.__name__}")


def _override(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    for field in msgspec.structs.fields(Config):
        for key in msgspec.structs.fields(field.type):
            value = environment.get(f"HOMEPORT_{field.name}_{key.name}".upper())
            # A section that is no table is refused with its place, by the conversion.
            if value is not None and isinstance(section := document.setdefault(field.name, {}), dict):
                section[key.name] = value.split(",") if key.type == tuple[str, ...] else value


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
        storage=replace(storage, path=directory / storage.path, sealing_key=directory / storage.sealing_key),
    )
