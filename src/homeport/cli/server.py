"""`homeport up`, `init`, `serve`: start a server, or make what a server needs.

OpenSSL reads its configuration once, when it is loaded; so these commands write it first and import what
loads OpenSSL afterwards, inside functions.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec.structs import replace

from homeport.cli.data_directory import CONFIG_FILE, data_dir_option
from homeport.config import Config, ConfigError, load
from homeport.endpoints.openssl_conf import configure_openssl
from homeport.observability.logging import LogFormat
from homeport.storage.database_url import DatabaseUrl

if TYPE_CHECKING:
    from homeport.deployment.first_start import Deployment

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., object] | click.Command)

LOOPBACK = ("127.0.0.1", "::1")
CAN_FORK = hasattr(os, "fork")


def workers_option(*, default: int | None) -> Callable[[Command], Command]:
    """`--workers`; without a default the configuration says."""
    known = "0: one for each core" + ("." if default is not None else "; default: [server] workers.")
    return click.option(
        "--workers",
        type=click.IntRange(0 if CAN_FORK else 1, 1024 if CAN_FORK else 1),
        default=default,
        show_default=default is not None,
        help=f"Worker processes; {known}",
    )


database_option = click.option(
    "--database", metavar="URL", help="A PostgreSQL database, postgresql://…, in place of a file; for the first start."
)


@click.command()
@data_dir_option
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Write JSON here once ready.")
@click.option(
    "--host", "hosts", multiple=True, metavar="NAME", help="A name or address for the certificate. Repeatable."
)
@click.option("--bind", multiple=True, metavar="ADDRESS", help="Listen here; default 127.0.0.1 and ::1. Repeatable.")
@click.option("--https-port", type=click.IntRange(0, 65535), help="HTTPS port.  [default: 443]")
@click.option("--mqtt-port", type=click.IntRange(0, 65535), default=8883, show_default=True, help="MQTT port.")
@click.option("--amqp-port", type=click.IntRange(0, 65535), default=5671, show_default=True, help="AMQP port.")
@click.option(
    "--plain-http-port", type=click.IntRange(0, 65535), help="HTTP without TLS, on loopback; for measurements."
)
@workers_option(default=1)
@database_option
@click.option("--log-format", type=click.Choice([each.value for each in LogFormat]), default="auto", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def up(
    data_dir: Path,
    ready_file: Path | None,
    hosts: tuple[str, ...],
    bind: tuple[str, ...],
    https_port: int | None,
    mqtt_port: int,
    amqp_port: int,
    plain_http_port: int | None,
    workers: int,
    database: str | None,
    log_format: str,
    log_level: str,
) -> None:
    """Start a development server; on first start it makes all it needs.

    The first --host is what devices call the server, and its embedded hub. Without one it is `localhost`, and
    only this machine can reach it: for others give --host and --bind 0.0.0.0.
    """
    data_dir = _make_directory(data_dir)
    try:
        configure_openssl(data_dir)
    except OSError as error:
        raise click.ClickException(f"{data_dir} cannot be written: {error.strerror}.") from error
    deployment = _guarded(lambda: _first_start(data_dir, hosts, bind or LOOPBACK, database))

    def reread() -> Config:
        config = load(data_dir / CONFIG_FILE)
        server = replace(
            config.server,
            bind=bind or LOOPBACK,
            https_port=443 if https_port is None else https_port,
            mqtt_port=mqtt_port,
            amqp_port=amqp_port,
            plain_http_port=plain_http_port,
            workers=workers,
        )
        return replace(config, server=server, log=replace(config.log, format=LogFormat(log_format), level=log_level))

    _serve(reread, deployment, ready_file, alone=workers == 1, may_fall_back=https_port is None)


@click.command()
@data_dir_option
@click.option("--host", "hosts", multiple=True, required=True, metavar="NAME", help="What devices call the server.")
@click.option("--bind", multiple=True, metavar="ADDRESS", help="Listen here; default: every address.")
@database_option
def init(data_dir: Path, hosts: tuple[str, ...], bind: tuple[str, ...], database: str | None) -> None:
    """Make keys, certificates, database and configuration for `homeport serve`.

    Only what is missing is made. Put your own certificate into server.pem and server.key if devices trust
    another CA, and keep sealing.key where your backups of secrets are: without it the database cannot be read.
    """
    data_dir = _make_directory(data_dir)
    deployment = _guarded(lambda: _first_start(data_dir, hosts, bind or ("0.0.0.0", "::"), database))
    click.echo(f"ID scope       {deployment.id_scope}")
    click.echo(f"Configuration  {data_dir / CONFIG_FILE}")
    click.echo(f"Sealing key    {data_dir / 'sealing.key'}  (keep a copy apart from the database)")
    click.echo(f"Next           homeport serve --config {data_dir / CONFIG_FILE}")


@click.command()
@click.option("--config", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The TOML file.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Write JSON here once ready.")
@workers_option(default=None)
def serve(file: Path, ready_file: Path | None, workers: int | None) -> None:
    """Start a server from a configuration file; nothing is made silently (see `homeport init`).

    A supervisor starts the workers, and others in place of those that die. SIGHUP: read the file again, and have the
    workers relieved one by one. SIGTERM: stop.
    """

    def reread() -> Config:
        config = load(file)
        return config if workers is None else replace(config, server=replace(config.server, workers=workers))

    with tempfile.TemporaryDirectory(prefix="homeport-") as directory:
        configure_openssl(Path(directory))
        config = _guarded(reread)
        deployment = _guarded(lambda: _existing(config, file.absolute().parent / "ca.pem"))
        _serve(reread, deployment, ready_file, alone=not CAN_FORK, may_fall_back=False)


def _first_start(directory: Path, hosts: Sequence[str], bind: Sequence[str], database: str | None) -> "Deployment":
    from homeport.deployment.first_start import ensure_deployment, ensure_files

    known = directory / CONFIG_FILE
    ensure_files(directory, hosts or ("localhost",), bind, database=None if database is None else _url(database))
    host = hosts[0] if hosts else None
    return asyncio.run(ensure_deployment(load(known).storage, host=host, ca_file=directory / "ca.pem"))


def _existing(config: Config, ca_file: Path) -> "Deployment":
    from homeport.deployment.first_start import describe_deployment

    if (file := config.storage.path) and not file.is_file():
        raise ConfigError(f"The database {file} is missing. `homeport init` makes a new deployment.")
    return asyncio.run(describe_deployment(config.storage, ca_file=ca_file))


def _serve(
    reread: Callable[[], Config], deployment: "Deployment", ready_file: Path | None, *, alone: bool, may_fall_back: bool
) -> None:
    from homeport.cli.serving import Announcement, serve_alone, serve_with_workers

    announcement = Announcement(deployment, ready_file)
    if alone:
        serve_alone(_guarded(reread), announcement, may_fall_back=may_fall_back)
    else:
        sys.exit(serve_with_workers(reread, announcement, may_fall_back=may_fall_back))


def _url(text: str) -> DatabaseUrl:
    try:
        return DatabaseUrl(text)
    except ValueError as error:
        raise ConfigError(f"--database: {error}") from error


def _make_directory(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory.absolute()
    except OSError as error:
        raise click.ClickException(
            f"{directory} cannot be made ({error.strerror}). Choose another place with --data-dir."
        ) from error


def _guarded(work: Callable[[], T]) -> T:
    """Run work whose ConfigError is meant for the person at the terminal."""
    try:
        return work()
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
