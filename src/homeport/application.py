"""The composition root: configuration in, wired services and listeners out.

The only module that knows concrete classes. Nothing imports it but the command line and tests. `Application`
starts and stops what it has wired; everything else gets what it needs through its constructor.
"""

import base64
import binascii
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from homeport.administration.access_policies import AccessPolicies
from homeport.administration.certificate_expiry import CertificateExpiry
from homeport.administration.enrollment_groups import EnrollmentGroups
from homeport.administration.enrollments import IndividualEnrollments
from homeport.administration.linked_hubs import LinkedHubs
from homeport.administration.registrations import Registrations
from homeport.administration.services import Services
from homeport.background import Background, Chore
from homeport.clock import Clock, Randomness, SystemClock, SystemRandomness
from homeport.config import Config, ConfigError, LimitsConfig, ServerConfig, StorageConfig, TlsConfig
from homeport.endpoints import hub_api, service_api
from homeport.endpoints.health import health_routes
from homeport.endpoints.hub_api import HubApi
from homeport.endpoints.listeners import Conversations, EdgeLimits, Listeners, build_listeners
from homeport.endpoints.listening_sockets import BoundSockets, Ports, bind_sets
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.server_certificates import ServerCertificateError, ServerCertificates
from homeport.endpoints.service_api import ServiceApi
from homeport.endpoints.throttling import Throttle, ThrottleRates
from homeport.endpoints.tls_context import KeyPair
from homeport.endpoints.token_buckets import Rate
from homeport.endpoints.worker_datagrams import WorkerDatagrams
from homeport.hubs.embedded.announcements import JoinedChannels
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.hubs.registry import HubRegistry
from homeport.observability import logging
from homeport.observability.metrics import Metrics, share_metrics
from homeport.observability.reporter import Reporter
from homeport.protocols.amqp.session import AmqpSession
from homeport.protocols.mqtt.session import MqttSession
from homeport.provisioning.admission import Admission
from homeport.provisioning.assignment import PATIENCE, Assigner, AssignmentWorker
from homeport.provisioning.failures import AttestationFailures
from homeport.provisioning.registration import RegistrationService
from homeport.security.authorization import Authorizer
from homeport.security.sealing import Sealer
from homeport.storage.node_memory import NODE_MEMORY, SqliteNodeMemory
from homeport.storage.port import Storage, StorageUnavailable
from homeport.storage.sqlite import MEMORY, SqliteStorage
from homeport.supervision.seat import ALONE, Seat

if TYPE_CHECKING:
    from homeport.storage.postgresql_channel import PostgresqlChannel

_CONNECT_TIMEOUT = 15.0
_FLUSH_FAILURES = 1.0
_RECONCILE = 1.0
_WATCH_STORAGE = 1.0
# TPMs take seconds over their part.
_PROOF_TIMEOUT = 30.0
_DAY = 86_400.0
# Of a node, for all its workers together.
_CONNECTIONS = 20_000


async def open_storage(config: StorageConfig, *, clock: Clock, writer_name: str, workers: int = 1) -> Storage:
    """The database of a configuration; `writer_name` is this process' audit chain, one of so many workers'.

    Raises:
        ConfigError: the sealing key cannot be read or is not one, or the database cannot be opened.
    """
    sealer = Sealer(read_sealing_key(config.sealing_key))
    linger = config.linger(workers)
    try:
        if config.url is None:
            file = config.path or MEMORY
            return SqliteStorage.open(file, sealer=sealer, clock=clock, linger=linger, writer_name=writer_name)
        from homeport.storage.postgresql import PostgresqlStorage  # Its driver is loaded where it is needed.

        randomness = SystemRandomness()
        return await PostgresqlStorage.open(
            config.url, sealer=sealer, clock=clock, randomness=randomness, linger=linger, writer_name=writer_name
        )
    except StorageUnavailable as error:
        raise ConfigError(f"{error} See [storage] in the configuration.") from error


async def open_channel(config: StorageConfig) -> "PostgresqlChannel | None":
    """What nodes on one database tell each other over; None where there is only one, or the engine has no such thing:
    then what happens on another node is noticed later (`hubs/embedded/announcements.py`)."""
    if config.url is None:
        return None
    from homeport.storage.postgresql_channel import PostgresqlChannel

    with suppress(StorageUnavailable):
        return await PostgresqlChannel.open(config.url, randomness=SystemRandomness())
    return None


def read_sealing_key(file: Path) -> bytes:
    """The sealing key of a file: 32 bytes in base64.

    Raises:
        ConfigError: there is none; the message says what to do.
    """
    try:
        key = base64.b64decode(file.read_text(encoding="ascii").strip(), validate=True)
    except OSError as error:
        raise ConfigError(
            f"The sealing key {file} cannot be read ({error.strerror}). Restore it from your backup of secrets; "
            "for a new deployment `homeport init` makes one."
        ) from error
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"The sealing key {file} is not base64.") from error
    if len(key) != 32:
        raise ConfigError(f"The sealing key {file} has {len(key)} bytes instead of 32.")
    return key


def bind_configured(config: ServerConfig, *, workers: int = 1) -> list[BoundSockets]:
    """The listening sockets of a configuration, a set for each worker.

    Raises:
        OSError: an address cannot be listened on.
    """
    ports = Ports(
        https=config.https_port, mqtt=config.mqtt_port, amqp=config.amqp_port, plain_http=config.plain_http_port
    )
    return bind_sets(config.bind, ports, number=workers)


def require_files(config: Config) -> None:
    """See that what the configuration names is there.

    Raises:
        ConfigError: it is not.
    """
    for file in (config.tls.certificate, config.tls.private_key):
        if not file.is_file():
            raise ConfigError(f"{file} is missing. Put the server's certificate and key there, or `homeport init`.")


class Application:
    """One server process: the only one of its node, or the worker of a seat."""

    def __init__(
        self,
        config: Config,
        storage: Storage,
        *,
        clock: Clock,
        randomness: Randomness,
        seat: Seat = ALONE,
        among_nodes: "PostgresqlChannel | None" = None,
    ) -> None:
        self._config = config
        self._seat = seat
        self._storage = storage
        self._clock = clock
        self._randomness = randomness
        self._logger = logging.configure(config.log.format, config.log.level)
        if seat.metrics_directory is not None:
            self._logger = self._logger.bind(worker=seat.label)
            share_metrics(seat.metrics_directory, seat.label)
        self._reporter = Reporter(self._logger, Metrics(seat.metrics_directory))
        shared = seat.run_directory
        self._memory = SqliteNodeMemory.open(None if shared is None else shared / NODE_MEMORY)
        self._among_nodes = among_nodes
        self._datagrams = None if shared is None else WorkerDatagrams(shared, slot=seat.slot)
        self._hub = EmbeddedHub(
            storage=storage,
            clock=clock,
            randomness=randomness,
            memory=self._memory,
            channel=JoinedChannels(*(each for each in (self._datagrams, among_nodes) if each is not None)),
        )
        self._hubs = HubRegistry(self._hub.context)
        admission = Admission(storage, clock)
        assigner = Assigner(storage, self._hubs, randomness=randomness, budget=config.assignment.budget_ms / 1000)
        self._throttle = Throttle(_rates(config.limits).divided(seat.workers), clock=clock, randomness=randomness)
        self._registrations = RegistrationService(
            storage, admission, assigner, clock=clock, randomness=randomness, throttle=self._throttle
        )
        patient = Assigner(storage, self._hubs, randomness=randomness, budget=PATIENCE)
        self._worker = AssignmentWorker(storage, admission, patient, clock=clock, randomness=randomness)
        self._expiry = CertificateExpiry(storage=storage, clock=clock)
        self._certificates = self._load_certificates(config.tls)
        self._failures = AttestationFailures(storage, clock)
        self._listeners = self._build_listeners()
        self._background = Background(self._reporter)

    @classmethod
    async def open(cls, config: Config, seat: Seat = ALONE) -> "Application":
        """A server on the machine's clock and randomness.

        Raises:
            ConfigError: something that the configuration names is missing or broken.
        """
        require_files(config)
        clock = SystemClock()
        async with AsyncExitStack() as opened:
            storage = await open_storage(config.storage, clock=clock, writer_name=seat.name, workers=seat.workers)
            opened.push_async_callback(storage.close)
            channel = await open_channel(config.storage)
            if channel is not None:
                opened.push_async_callback(channel.close)
            server = cls(config, storage, clock=clock, randomness=SystemRandomness(), seat=seat, among_nodes=channel)
            opened.pop_all()  # From here on they are the server's to close.
        return server

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are listened on, by listener; known after `start`."""
        return self._listeners.ports

    async def start(self) -> None:
        """Accept connections.

        Raises:
            OSError: an address cannot be listened on.
        """
        await self._hubs.refresh()
        if self._datagrams is not None:
            self._datagrams.start()
        await self._listeners.start(self._seat.sockets or bind_configured(self._config.server)[0])
        self._background.start(self._chores())
        self._logger.info("started", ports=self._listeners.ports)

    def reload_certificates(self) -> None:
        """Read the server's certificates again, for new connections; log and metrics tell the outcome."""
        self._certificates.reload()

    async def wind_down(self) -> None:
        """Accept nothing more, since another process has taken over, and let each peer finish what it is at; `stop`
        ends the rest."""
        self._logger.info("winding_down", connections=self._listeners.open_connections)
        await self._listeners.wind_down(self._config.server.drain_seconds)

    async def stop(self) -> None:
        """Accept nothing more, answer what was taken, commit it, close."""
        self._logger.info("stopping", connections=self._listeners.open_connections)
        await self._listeners.drain(self._config.server.drain_seconds)
        await self._background.stop()
        with suppress(StorageUnavailable):
            await self._failures.flush()
        self._hub.presence.close()
        if self._datagrams is not None:
            self._datagrams.close()
        if self._among_nodes is not None:
            await self._among_nodes.close()
        self._memory.close()
        await self._storage.close()
        self._logger.info("stopped")

    def _chores(self) -> Sequence[Chore]:
        poll = self._config.assignment.poll_seconds
        return (
            Chore("assignment", self._assign_once, poll),
            Chore("purge", self._storage.purge_next, poll),
            Chore("failures", self._failures.flush, _FLUSH_FAILURES),
            Chore("linked_hubs", self._refresh_hubs, poll),
            Chore("storage", self._watch_storage, _WATCH_STORAGE),
            Chore("hub_connections", self._reconcile, _RECONCILE),
            Chore("certificates", self._check_certificates, _DAY),
            Chore("server_certificates", self._certificates.poll, self._config.tls.watch_seconds),
        )

    async def _assign_once(self) -> bool:
        worked, events = await self._worker.run_once()
        self._reporter.report(events, transport="worker", correlation_id=self._randomness.guid())
        return worked

    async def _refresh_hubs(self) -> bool:
        await self._hubs.refresh()
        return False

    async def _watch_storage(self) -> bool:
        """Ask a storage that has failed whether it is back, so that the log tells it even if nobody else asks."""
        if self._reporter.storage_is_down:
            await self._storage.check()
            self._reporter.storage_recovered()
        return False

    async def _reconcile(self) -> bool:
        await self._hub.presence.reconcile()
        return False

    async def _check_certificates(self) -> bool:
        if self._seat.is_first:
            self._reporter.report(
                await self._expiry.check(), transport="worker", correlation_id=self._randomness.guid()
            )
        return False

    def _load_certificates(self, tls: TlsConfig) -> ServerCertificates:
        pairs = [KeyPair(tls.certificate, tls.private_key)]
        if tls.rsa_certificate is not None and tls.rsa_private_key is not None:
            pairs.append(KeyPair(tls.rsa_certificate, tls.rsa_private_key))
        try:
            return ServerCertificates(pairs, clock=self._clock, reports=self._reporter, warns=self._seat.is_first)
        except ServerCertificateError as error:
            raise ConfigError(f"{error} See [tls] in the configuration.") from error

    def _build_listeners(self) -> Listeners:
        services = EdgeServices(
            registrations=self._registrations,
            hubs=self._hub.sessions,
            failures=self._failures,
            reporter=self._reporter,
            throttle=self._throttle,
            clock=self._clock,
            randomness=self._randomness,
        )
        tls = self._config.tls
        routes = [
            *health_routes(
                check_storage=self._storage.check,
                is_listening=lambda: self._listeners.is_listening(),
                reporter=self._reporter,
            ),
            *service_api.routes(self._service_api()),
            *hub_api.routes(self._hub_api()),
        ]
        return build_listeners(
            services,
            routes,
            tls_context=self._certificates.context,
            conversations=Conversations(
                mqtt=lambda chain: MqttSession(connect_timeout=_CONNECT_TIMEOUT, certificate_chain=chain),
                amqp=lambda chain: AmqpSession(connect_timeout=_PROOF_TIMEOUT, certificate_chain=chain),
            ),
            limits=EdgeLimits(
                connections=self._seat.share(_CONNECTIONS),
                handshakes=self._seat.share(tls.handshakes),
                handshakes_per_address=tls.handshakes_per_address,
                handshake_timeout=tls.handshake_seconds,
                target_lag=self._config.limits.target_lag_ms / 1000,
            ),
            trusted_proxies=self._config.server.trusted_networks,
        )

    def _service_api(self) -> ServiceApi:
        storage, clock, randomness = self._storage, self._clock, self._randomness
        return ServiceApi(
            services=Services(storage=storage, clock=clock, randomness=randomness),
            enrollments=IndividualEnrollments(storage=storage, clock=clock, randomness=randomness),
            groups=EnrollmentGroups(storage=storage, clock=clock, randomness=randomness),
            registrations=Registrations(storage=storage, clock=clock),
            authorizer=Authorizer(policies=storage.settings, clock=clock),
            throttle=self._throttle,
            reporter=self._reporter,
        )

    def _hub_api(self) -> HubApi:
        return HubApi(
            hub=self._hub,
            authorizer=Authorizer(policies=self._storage.settings, clock=self._clock),
            reporter=self._reporter,
            clock=self._clock,
        )


def _rates(limits: LimitsConfig) -> ThrottleRates:
    def rate(key: str, seconds: float) -> Rate | None:
        number = limits.number(key)
        return Rate(number, seconds) if number else None

    return ThrottleRates(
        registrations=rate("registrations_per_minute", 60),
        registrations_of_group=rate("registrations_per_minute_per_group", 60),
        registrations_of_device=rate("registrations_per_minute_per_device", 60),
        requests_of_address=rate("requests_per_minute_per_address", 60),
        polls_of_device=rate("polls_per_10_seconds_per_device", 10),
        service_operations=rate("service_operations_per_minute", 60),
        longest_wait=limits.longest_retry_after,
        keys=limits.keys,
    )


def administration(
    storage: Storage, *, clock: Clock, randomness: Randomness
) -> tuple[Services, LinkedHubs, AccessPolicies]:
    """The verbs that set a deployment up; for the command line, which works on the machine itself."""
    return (
        Services(storage=storage, clock=clock, randomness=randomness),
        LinkedHubs(storage=storage, clock=clock, randomness=randomness),
        AccessPolicies(storage=storage, clock=clock, randomness=randomness),
    )
