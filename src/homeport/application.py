"""The composition root: configuration in, wired services and listeners out.

The only module that knows concrete classes. Nothing imports it but the command line and tests. `Application`
starts and stops what it has wired; everything else gets what it needs through its constructor.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from homeport.administration.access_policies import AccessPolicies
from homeport.administration.certificate_expiry import CertificateExpiry
from homeport.administration.enrollment_groups import EnrollmentGroups
from homeport.administration.enrollments import IndividualEnrollments
from homeport.administration.linked_hubs import LinkedHubs
from homeport.administration.registrations import Registrations
from homeport.administration.services import Services
from homeport.clock import Clock, Randomness, SystemClock, SystemRandomness
from homeport.config import Config, ConfigError, StorageConfig, TlsConfig
from homeport.endpoints import hub_api, service_api
from homeport.endpoints.health import health_routes
from homeport.endpoints.hub_api import HubApi
from homeport.endpoints.listeners import Conversations, EdgeLimits, Listeners, Ports, build_listeners
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.server_certificates import ServerCertificateError, ServerCertificates
from homeport.endpoints.service_api import ServiceApi
from homeport.endpoints.tls_context import KeyPair
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.hubs.registry import HubRegistry
from homeport.observability import logging
from homeport.observability.metrics import Metrics
from homeport.observability.reporter import Reporter
from homeport.protocols.amqp.session import AmqpSession
from homeport.protocols.mqtt.session import MqttSession
from homeport.provisioning.admission import Admission
from homeport.provisioning.assignment import PATIENCE, Assigner, AssignmentWorker
from homeport.provisioning.failures import AttestationFailures
from homeport.provisioning.registration import RegistrationService
from homeport.security.authorization import Authorizer
from homeport.security.sealing import Sealer
from homeport.storage.port import Storage, StorageUnavailable
from homeport.storage.sqlite import SqliteStorage

_CONNECT_TIMEOUT = 15.0
_FLUSH_FAILURES = 1.0
# TPMs take seconds over their part.
_PROOF_TIMEOUT = 30.0
_DAY = 86_400.0


def open_storage(config: StorageConfig, *, clock: Clock, writer_name: str) -> SqliteStorage:
    """The database of a configuration; `writer_name` is this process' audit chain.

    Raises:
        ConfigError: the sealing key cannot be read or is not one.
    """
    sealer = Sealer(read_sealing_key(config.sealing_key))
    return SqliteStorage.open(
        config.path, sealer=sealer, clock=clock, linger=config.linger_ms / 1000, writer_name=writer_name
    )


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


class Application:
    """One server process."""

    def __init__(self, config: Config, storage: Storage, *, clock: Clock, randomness: Randomness) -> None:
        self._config = config
        self._storage = storage
        self._clock = clock
        self._randomness = randomness
        self._logger = logging.configure(config.log.format, config.log.level)
        self._reporter = Reporter(self._logger, Metrics())
        self._hub = EmbeddedHub(storage=storage, clock=clock, randomness=randomness)
        self._hubs = HubRegistry(self._hub.context)
        admission = Admission(storage, clock)
        assigner = Assigner(storage, self._hubs, randomness=randomness, budget=config.assignment.budget_ms / 1000)
        self._registrations = RegistrationService(storage, admission, assigner, clock=clock, randomness=randomness)
        patient = Assigner(storage, self._hubs, randomness=randomness, budget=PATIENCE)
        self._worker = AssignmentWorker(storage, admission, patient, clock=clock, randomness=randomness)
        self._expiry = CertificateExpiry(storage=storage, clock=clock)
        self._certificates = self._load_certificates(config.tls)
        self._failures = AttestationFailures(storage, clock)
        self._listeners = self._build_listeners()
        self._background: list[asyncio.Task[None]] = []

    @classmethod
    def open(cls, config: Config) -> "Application":
        """A server on the machine's clock and randomness.

        Raises:
            ConfigError: something that the configuration names is missing or broken.
        """
        for file in (config.tls.certificate, config.tls.private_key):
            if not file.is_file():
                raise ConfigError(f"{file} is missing. Put the server's certificate and key there, or `homeport init`.")
        clock = SystemClock()
        storage = open_storage(config.storage, clock=clock, writer_name="server")
        return cls(config, storage, clock=clock, randomness=SystemRandomness())

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
        await self._listeners.start()
        poll = self._config.assignment.poll_seconds
        self._background = [
            asyncio.get_running_loop().create_task(self._repeat("assignment", self._assign_once, poll)),
            asyncio.get_running_loop().create_task(self._repeat("purge", self._storage.purge_next, poll)),
            asyncio.get_running_loop().create_task(self._repeat("failures", self._failures.flush, _FLUSH_FAILURES)),
            asyncio.get_running_loop().create_task(self._repeat("linked_hubs", self._refresh_hubs, poll)),
            asyncio.get_running_loop().create_task(self._repeat("certificates", self._check_certificates, _DAY)),
            asyncio.get_running_loop().create_task(
                self._repeat("server_certificates", self._certificates.poll, self._config.tls.watch_seconds)
            ),
        ]
        self._logger.info("started", ports=self._listeners.ports)

    def reload_certificates(self) -> None:
        """Read the server's certificates again, for new connections; log and metrics tell the outcome."""
        self._certificates.reload()

    async def stop(self) -> None:
        """Accept nothing more, answer what was taken, commit it, close."""
        self._logger.info("stopping", connections=self._listeners.open_connections)
        await self._listeners.drain(self._config.server.drain_seconds)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        with suppress(StorageUnavailable):
            await self._failures.flush()
        await self._storage.close()
        self._logger.info("stopped")

    async def _assign_once(self) -> bool:
        worked, events = await self._worker.run_once()
        self._reporter.report(events, transport="worker", correlation_id=self._randomness.guid())
        return worked

    async def _refresh_hubs(self) -> bool:
        await self._hubs.refresh()
        return False

    async def _check_certificates(self) -> bool:
        self._reporter.report(await self._expiry.check(), transport="worker", correlation_id=self._randomness.guid())
        return False

    async def _repeat(self, name: str, step: Callable[[], Awaitable[bool]], pause: float) -> None:
        """Run a worker's step as long as it finds work, then look again after a pause; a failure ends no worker."""
        while True:
            try:
                worked = await step()
            except Exception as error:
                self._reporter.crashed(error, operation=name, transport="worker", correlation_id="")
                worked = False
            if not worked:
                await asyncio.sleep(pause)

    def _load_certificates(self, tls: TlsConfig) -> ServerCertificates:
        pairs = [KeyPair(tls.certificate, tls.private_key)]
        if tls.rsa_certificate is not None and tls.rsa_private_key is not None:
            pairs.append(KeyPair(tls.rsa_certificate, tls.rsa_private_key))
        try:
            return ServerCertificates(pairs, clock=self._clock, reports=self._reporter)
        except ServerCertificateError as error:
            raise ConfigError(f"{error} See [tls] in the configuration.") from error

    def _build_listeners(self) -> Listeners:
        services = EdgeServices(
            registrations=self._registrations,
            hubs=self._hub.sessions,
            failures=self._failures,
            reporter=self._reporter,
            clock=self._clock,
            randomness=self._randomness,
        )
        server, tls = self._config.server, self._config.tls
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
            addresses=server.bind,
            ports=Ports(
                https=server.https_port, mqtt=server.mqtt_port, amqp=server.amqp_port, plain_http=server.plain_http_port
            ),
            limits=EdgeLimits(
                handshakes=tls.handshakes,
                handshakes_per_address=tls.handshakes_per_address,
                handshake_timeout=tls.handshake_seconds,
            ),
        )

    def _service_api(self) -> ServiceApi:
        storage, clock, randomness = self._storage, self._clock, self._randomness
        return ServiceApi(
            services=Services(storage=storage, clock=clock, randomness=randomness),
            enrollments=IndividualEnrollments(storage=storage, clock=clock, randomness=randomness),
            groups=EnrollmentGroups(storage=storage, clock=clock, randomness=randomness),
            registrations=Registrations(storage=storage, clock=clock),
            authorizer=Authorizer(policies=storage.settings, clock=clock),
            reporter=self._reporter,
        )

    def _hub_api(self) -> HubApi:
        return HubApi(
            hub=self._hub,
            authorizer=Authorizer(policies=self._storage.settings, clock=self._clock),
            reporter=self._reporter,
            clock=self._clock,
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
