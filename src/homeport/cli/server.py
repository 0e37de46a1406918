"""`homeport up`, `init`, `serve`: start a server, or make what a server needs.

OpenSSL reads its configuration once, when it is loaded; so these commands write it first and import what
loads OpenSSL afterwards, inside functions.
"""

import asyncio
import errno
import gc
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec
from msgspec.structs import replace

from homeport.cli.data_directory import CONFIG_FILE, config_of, data_dir_option
from homeport.config import Config, ConfigError, load
from homeport.endpoints.openssl_conf import configure_openssl
from homeport.observability.logging import LogFormat

if TYPE_CHECKING:
    from homeport.application import Application
    from homeport.deployment.first_start import Deployment

T = TypeVar("T")

LOOPBACK = ("127.0.0.1", "::1")
_FALLBACK_HTTPS = 8443


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
    log_format: str,
    log_level: str,
) -> None:
    """Start a development server; on first start it makes all it needs.

    The first --host is what devices call the server, and its embedded hub. Without one it is `localhost`, and
    only this machine can reach it: for others give --host and --bind 0.0.0.0.
    """
    data_dir = _make_directory(data_dir)
    configure_openssl(data_dir)
    deployment = _guarded(lambda: _first_start(data_dir, hosts, bind or LOOPBACK))
    config = config_of(data_dir)
    server = replace(
        config.server,
        bind=bind or LOOPBACK,
        https_port=443 if https_port is None else https_port,
        mqtt_port=mqtt_port,
        amqp_port=amqp_port,
        plain_http_port=plain_http_port,
    )
    log = replace(config.log, format=LogFormat(log_format), level=log_level)
    config = replace(config, server=server, log=log)
    _run(config, ready_file, deployment, may_fall_back=https_port is None)


@click.command()
@data_dir_option
@click.option("--host", "hosts", multiple=True, required=True, metavar="NAME", help="What devices call the server.")
@click.option("--bind", multiple=True, metavar="ADDRESS", help="Listen here; default: every address.")
def init(data_dir: Path, hosts: tuple[str, ...], bind: tuple[str, ...]) -> None:
    """Make keys, certificates, database and configuration for `homeport serve`.

    Only what is missing is made. Put your own certificate into server.pem and server.key if devices trust
    another CA, and keep sealing.key where your backups of secrets are: without it the database cannot be read.
    """
    data_dir = _make_directory(data_dir)
    deployment = _guarded(lambda: _first_start(data_dir, hosts, bind or ("0.0.0.0", "::")))
    click.echo(f"ID scope       {deployment.id_scope}")
    click.echo(f"Configuration  {data_dir / CONFIG_FILE}")
    click.echo(f"Sealing key    {data_dir / 'sealing.key'}  (keep a copy apart from the database)")
    click.echo(f"Next           homeport serve --config {data_dir / CONFIG_FILE}")


@click.command()
@click.option("--config", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The TOML file.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Write JSON here once ready.")
def serve(file: Path, ready_file: Path | None) -> None:
    """Start a server from a configuration file; nothing is made silently (see `homeport init`)."""
    with tempfile.TemporaryDirectory(prefix="homeport-") as directory:
        configure_openssl(Path(directory))
        config = _guarded(lambda: load(file))
        deployment = _guarded(lambda: _existing(config, file.absolute().parent / "ca.pem"))
        _run(config, ready_file, deployment, may_fall_back=False)


def _first_start(directory: Path, hosts: Sequence[str], bind: Sequence[str]) -> "Deployment":
    from homeport.deployment.first_start import ensure_deployment, ensure_files

    known = directory / CONFIG_FILE
    ensure_files(directory, hosts or ("localhost",), bind)
    host = hosts[0] if hosts else None
    return asyncio.run(ensure_deployment(load(known).storage, host=host, ca_file=directory / "ca.pem"))


def _existing(config: Config, ca_file: Path) -> "Deployment":
    from homeport.deployment.first_start import describe_deployment

    if not config.storage.path.is_file():
        raise ConfigError(f"The database {config.storage.path} is missing. `homeport init` makes a new deployment.")
    return asyncio.run(describe_deployment(config.storage, ca_file=ca_file))


def _run(config: Config, ready_file: Path | None, deployment: "Deployment", *, may_fall_back: bool) -> None:
    work = _serve(config, ready_file, deployment, may_fall_back=may_fall_back)
    try:
        import uvloop
    except ImportError:  # Windows has none; the standard loop serves as well.
        asyncio.run(work)
    else:
        uvloop.run(work)


async def _serve(config: Config, ready_file: Path | None, deployment: "Deployment", *, may_fall_back: bool) -> None:
    from homeport.cli.summary import print_summary
    from homeport.deployment.ready_file import write_ready_file

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    application = await _started(config, may_fall_back=may_fall_back)
    loop.add_signal_handler(signal.SIGHUP, application.reload_certificates)
    _calm_garbage_collector()
    ports_file = deployment.ca_file.parent / "ports.json"
    ports_file.write_bytes(msgspec.json.encode(application.ports))
    if ready_file is not None:
        write_ready_file(ready_file, deployment, application.ports)
    print_summary(deployment, application.ports)
    await stop.wait()
    await application.stop()
    for file in (ports_file, ready_file):
        if file is not None:
            file.unlink(missing_ok=True)


def _calm_garbage_collector() -> None:
    """What was made at the start stays for good and need not be searched again and again.

    Connections are freed by counting references (`endpoints/` ties no knots), so a search seldom finds anything.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _started(config: Config, *, may_fall_back: bool) -> "Application":
    from homeport.application import Application

    application = _guarded(lambda: Application.open(config))
    try:
        await application.start()
    except PermissionError as error:
        if not may_fall_back:
            raise click.ClickException(_cannot_listen(error)) from error
        await application.stop()
        click.echo(
            f"Port 443 may not be bound, so HTTPS is on {_FALLBACK_HTTPS}: MQTT devices do not notice, SDKs that speak "
            "HTTPS always use 443. To allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=443",
            err=True,
        )
        return await _started(
            replace(config, server=replace(config.server, https_port=_FALLBACK_HTTPS)), may_fall_back=False
        )
    except OSError as error:
        raise click.ClickException(_cannot_listen(error)) from error
    return application


def _cannot_listen(error: OSError) -> str:
    text = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"{text}. Stop what listens there, or choose other ports, or another --bind."
    if error.errno == errno.EACCES:
        return f"{text}. Choose a port above 1023, or: sudo sysctl net.ipv4.ip_unprivileged_port_start=443"
    return f"{text}. Check --bind: it must be an address of this machine."


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
