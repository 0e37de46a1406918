"""What `up` and `serve` do once they have a configuration: bind, announce, and serve alone or with workers.

Imported only after OpenSSL's configuration is written (`server.py` says why). The supervisor's side of several workers
is `homeport.supervision`, which knows nothing of what they do; here is the work that it is given.
"""

import asyncio
import errno
import gc
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from homeport.application import Application, bind_configured, require_files
from homeport.cli.summary import print_summary
from homeport.clock import SystemClock
from homeport.config import Config, ConfigError
from homeport.deployment.first_start import Deployment
from homeport.deployment.ready_file import write_ready_file
from homeport.endpoints.listening_sockets import BoundSockets, ports_of
from homeport.endpoints.tasks import spawn
from homeport.observability import logging
from homeport.observability.metrics import share_metrics
from homeport.observability.supervisor_reporter import SUPERVISOR, SupervisorReporter
from homeport.supervision.processes import LEAVE, Work
from homeport.supervision.run_directory import run_directory
from homeport.supervision.seat import METRICS, Seat
from homeport.supervision.supervisor import CannotStart, Plan, Supervisor
from homeport.supervision.worker import Reports

_FALLBACK_HTTPS = 8443
# Beyond the drain: what a worker has for its last commit and its end.
_STOP_MARGIN = 15.0
_SUPERVISORS_OWN = ("bind", "https_port", "mqtt_port", "amqp_port", "plain_http_port", "workers", "node")


class Announcement:
    """What says that the server is ready, and where; taken back at its end."""

    def __init__(self, deployment: Deployment, ready_file: Path | None) -> None:
        self._deployment = deployment
        self._ready_file = ready_file
        self._ports_file = deployment.ca_file.parent / "ports.json"

    def make(self, ports: dict[str, int]) -> None:
        """Write the files, and print the summary."""
        self._ports_file.write_bytes(msgspec.json.encode(ports))
        if self._ready_file is not None:
            write_ready_file(self._ready_file, self._deployment, ports)
        print_summary(self._deployment, ports)

    def take_back(self) -> None:
        """Remove the files."""
        for file in (self._ports_file, self._ready_file):
            if file is not None:
                file.unlink(missing_ok=True)


def serve_alone(config: Config, announcement: Announcement, *, may_fall_back: bool) -> None:
    """Serve in this process until SIGTERM or SIGINT; SIGHUP reloads the certificates.

    Raises:
        click.ClickException: it cannot start; the message says what to do.
    """
    (sockets,) = _bound(config, 1, may_fall_back=may_fall_back)
    seat = Seat(node=config.server.node_name, sockets=sockets)

    def ready(application: Application, _: asyncio.Event) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, application.reload_certificates)
        announcement.make(application.ports)

    try:
        _run(_serve(config, seat, ready))
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    announcement.take_back()


def serve_with_workers(reread: Callable[[], Config], announcement: Announcement, *, may_fall_back: bool) -> int:
    """Serve in several processes until SIGTERM or SIGINT; `reread` gives the configuration, now and at each SIGHUP.

    Returns the exit code.

    Raises:
        click.ClickException: it cannot start; the message says what to do.
    """
    config = reread()
    sets = _bound(config, config.server.worker_count, may_fall_back=may_fall_back)
    with run_directory() as directory:
        share_metrics(directory / METRICS, SUPERVISOR)
        reporter = SupervisorReporter(logging.configure(config.log.format, config.log.level), directory / METRICS)
        supervisor = Supervisor(
            _plan(config),
            sets,
            node=config.server.node_name,
            run_directory=directory,
            reread=lambda: _reread(config, reread, reporter),
            reports=reporter,
            clock=SystemClock(),
        )
        _calm_garbage_collector()
        try:
            return supervisor.run(lambda: announcement.make(ports_of(sets[0])))
        except CannotStart as error:
            raise click.ClickException(str(error)) from error
        finally:
            announcement.take_back()


def _plan(config: Config) -> Plan:
    drain = config.server.drain_seconds
    return Plan(work=_work(config), stop_seconds=drain + _STOP_MARGIN, leave_seconds=2 * drain + _STOP_MARGIN)


def _reread(started_with: Config, reread: Callable[[], Config], reporter: SupervisorReporter) -> Plan:
    config = reread()
    changed = [key for key in _SUPERVISORS_OWN if getattr(config.server, key) != getattr(started_with.server, key)]
    if changed:
        reporter.configuration_needs_restart(changed)
    return _plan(config)


def _work(config: Config) -> Work:
    """A worker's whole life, as the supervisor's fork calls it."""

    def work(seat: Seat, reports: Reports) -> int:
        def ready(application: Application, stop: asyncio.Event) -> None:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(LEAVE, lambda: spawn(_leave(application, stop)))
            reports.ready()
            reports.beat(loop)

        try:
            _run(_serve(config, seat, ready, reports))
        except ConfigError as error:
            reports.cannot_start(str(error))
            return 1
        return 0

    return work


async def _serve(
    config: Config,
    seat: Seat,
    ready: Callable[[Application, asyncio.Event], None],
    reports: Reports | None = None,
) -> None:
    """Serve until told to stop. A worker is told by its supervisor, which alone hears a terminal's Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if reports is None:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    else:
        reports.end_with_supervisor(loop)
    application = await Application.open(config, seat)
    try:
        await application.start()
    except OSError as error:
        raise ConfigError(_cannot_listen(error)) from error
    _calm_garbage_collector()
    ready(application, stop)
    await stop.wait()
    await application.stop()


async def _leave(application: Application, stop: asyncio.Event) -> None:
    """Another worker has taken over. An order to stop meanwhile does not wait for this."""
    await application.wind_down()
    stop.set()


def _run(work: Coroutine[object, object, None]) -> None:
    try:
        import uvloop
    except ImportError:  # Windows has none; the standard loop serves as well.
        asyncio.run(work)
    else:
        uvloop.run(work)


def _calm_garbage_collector() -> None:
    """What was made at the start stays for good and need not be searched again and again; in a fork it would be
    written to, and no longer be shared.

    Connections are freed by counting references (`endpoints/` ties no knots), so a search seldom finds anything.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _bound(config: Config, workers: int, *, may_fall_back: bool) -> list[BoundSockets]:
    """The listening sockets, a set for each worker; on another port for HTTPS where 443 is not allowed.

    Raises:
        click.ClickException: they cannot be bound; the message says what to do.
    """
    try:
        require_files(config)
        return bind_configured(config.server, workers=workers)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if not (may_fall_back and isinstance(error, PermissionError)):
            raise click.ClickException(_cannot_listen(error)) from error
    click.echo(
        f"Port 443 may not be bound, so HTTPS is on {_FALLBACK_HTTPS}: MQTT devices do not notice, SDKs that speak "
        "HTTPS always use 443. To allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=443",
        err=True,
    )
    other = replace(config, server=replace(config.server, https_port=_FALLBACK_HTTPS))
    return _bound(other, workers, may_fall_back=False)


def _cannot_listen(error: OSError) -> str:
    text = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"{text}. Stop what listens there, or choose other ports, or another --bind."
    if error.errno == errno.EACCES:
        return f"{text}. Choose a port above 1023, or: sudo sysctl net.ipv4.ip_unprivileged_port_start=443"
    return f"{text}. Check --bind: it must be an address of this machine."
