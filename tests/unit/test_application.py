"""One server process, wired: it starts, finishes what was left open, and stops without breaking its word."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests import postgresql
from tests.pki import EXPIRED, make_root
from tests.unit.administration.world import ME, StillClock, individual

from homeport import application
from homeport.administration.ca_certificates import CaCertificates
from homeport.administration.enrollments import IndividualEnrollments
from homeport.administration.preconditions import PutCondition
from homeport.application import Application, open_storage
from homeport.clock import SystemClock, SystemRandomness
from homeport.config import AssignmentConfig, Config, ConfigError, LogConfig, ServerConfig, StorageConfig, TlsConfig
from homeport.deployment.first_start import ensure_deployment, ensure_files
from homeport.model.identifiers import ETag, RegistrationId
from homeport.model.registration import RegistrationStatus
from homeport.observability.logging import LogFormat
from homeport.security.sas import decode_key, sign_sas_token
from homeport.storage.changes import Change, PutRegistration
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import Storage, StorageUnavailable
from homeport.supervision.seat import Seat

HOST = "127.0.0.1"
DEVICE = RegistrationId("dev-1")
TIME = {"clock": SystemClock(), "randomness": SystemRandomness()}


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """A server takes the process' logging for itself."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def database(directory: Path) -> dict[str, Any]:
    """A database on the engine that the environment chooses."""
    if postgresql.is_chosen():
        return {"url": DatabaseUrl(postgresql.fresh_database())}
    return {"path": directory / "homeport.db"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A deployment on free ports, that looks for left-over work without pause."""
    ensure_files(tmp_path, [HOST], [HOST])
    made = Config(
        tls=TlsConfig(certificate=tmp_path / "server.pem", private_key=tmp_path / "server.key"),
        storage=StorageConfig(**database(tmp_path), sealing_key=tmp_path / "sealing.key", linger_ms=0),
        server=ServerConfig(bind=(HOST,), https_port=0, mqtt_port=0, amqp_port=0),
        log=LogConfig(format=LogFormat.JSON, level="error"),
        assignment=AssignmentConfig(poll_seconds=0.01),
    )
    asyncio.run(ensure_deployment(made.storage, host=HOST, ca_file=tmp_path / "ca.pem"))
    return made


class Process:
    """A started application with its storage at hand, and a device that is enrolled."""

    def __init__(self, config: Config, storage: Storage, app: Application) -> None:
        self.storage = storage
        self.app = app
        self._tls = ssl.create_default_context(cafile=config.tls.certificate.with_name("ca.pem"))

    async def enroll(self) -> None:
        (service,) = await self.storage.settings.services()
        self.service = service
        verbs = IndividualEnrollments(storage=self.storage, **TIME)
        entry, _ = await verbs.put(service.service_id, individual(DEVICE), condition=PutCondition(), actor=ME)
        assert entry.attestation.symmetric_key is not None
        self.key = decode_key(entry.attestation.symmetric_key.primary_key or "")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.app.ports["https"], ssl=self._tls)

    async def get(self, path: str) -> tuple[int, bytes]:
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")

    async def register(self) -> tuple[int, bytes]:
        token = sign_sas_token(
            resource=f"{self.service.id_scope}%2Fregistrations%2F{DEVICE}", key=self.key, expiry=2**32
        )
        return await self.ask(
            f"PUT /{self.service.id_scope}/registrations/{DEVICE}/register?api-version=2021-06-01 HTTP/1.1\r\n"
            f"Host: {HOST}\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nContent-Length: 2\r\n\r\n{}"
        )

    async def ask(self, request: str) -> tuple[int, bytes]:
        reader, writer = await self.connect()
        writer.write(request.encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


@asynccontextmanager
async def started(config: Config, *, stops_itself: bool = False) -> AsyncIterator[Process]:
    storage = await open_storage(config.storage, clock=SystemClock(), writer_name="server")
    app = Application(config, storage, **TIME)
    process = Process(config, storage, app)
    await app.start()
    try:
        await process.enroll()
        yield process
    finally:
        if not stops_itself:
            await app.stop()


def run(config: Config, scenario: Callable[[Process], Awaitable[None]]) -> None:
    async def lived() -> None:
        async with started(config) as process:
            await scenario(process)

    asyncio.run(lived())


def test_a_started_server_is_healthy_and_ready(config: Config) -> None:
    async def scenario(process: Process) -> None:
        assert set(process.app.ports) == {"https", "mqtt", "amqp"}
        assert (await process.get("/healthz"))[0] == 200
        assert (await process.get("/readyz"))[0] == 200
        assert b"homeport_connections" in (await process.get("/metrics"))[1]

    run(config, scenario)


def test_a_ca_certificate_that_has_ended_is_told_of_from_the_start(config: Config) -> None:
    async def lived() -> None:
        storage = await open_storage(config.storage, clock=SystemClock(), writer_name="command-line")
        (service,) = await storage.settings.services()
        verbs = CaCertificates(storage=storage, **TIME)
        await verbs.add(service.service_id, "old", make_root(valid=EXPIRED).pem, actor=ME)
        await storage.close()
        async with started(config) as process:
            _, page = await process.get("/metrics")
            assert b'homeport_certificates_expiring{use="ca_certificate"} 1.0' in page

    asyncio.run(lived())


def test_a_worker_but_the_first_leaves_to_it_what_one_has_to_do(config: Config) -> None:
    told = b'homeport_certificates_expiring{use="ca_certificate"}'

    async def lived(slot: int) -> AsyncIterator[bytes]:
        """The pages of metrics of a worker, one after the other."""
        storage = await open_storage(config.storage, clock=SystemClock(), writer_name=f"node-{slot}")
        app = Application(config, storage, **TIME, seat=Seat(node="node", slot=slot, workers=2))
        await app.start()
        for _ in range(20):
            yield (await Process(config, storage, app).get("/metrics"))[1]
        await app.stop()

    async def scenario() -> None:
        assert any([told in page async for page in lived(0)])
        assert not any([told in page async for page in lived(1)])

    asyncio.run(scenario())


def test_winding_down_ends_when_the_last_connection_does(config: Config) -> None:
    async def scenario(process: Process) -> None:
        reader, writer = await process.connect()
        winding_down = asyncio.ensure_future(process.app.wind_down())
        await _refused(process)
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert b"connection: close" in (await reader.read()).lower()
        writer.close()
        await winding_down

    run(config, scenario)


def test_a_stopped_server_listens_no_more(config: Config) -> None:
    async def lived() -> None:
        async with started(config) as process:
            pass
        with pytest.raises(OSError):
            await process.connect()

    asyncio.run(lived())


def test_stopping_answers_what_was_taken(config: Config) -> None:
    """A registration that waits for its commit while the server is told to stop is committed, and answered."""

    async def lived() -> None:
        taken, released = asyncio.Event(), asyncio.Event()
        async with started(config, stops_itself=True) as process:
            apply = process.storage.apply

            async def held(changes: Sequence[Change]) -> None:
                if any(isinstance(change, PutRegistration) for change in changes):
                    taken.set()
                    await released.wait()
                await apply(changes)

            process.storage.apply = held  # type: ignore[method-assign]
            answer = asyncio.ensure_future(process.register())
            await taken.wait()
            stopping = asyncio.ensure_future(process.app.stop())
            await _refused(process)
            assert not stopping.done()
            released.set()
            code, body = await answer
            await stopping
        assert (code, json.loads(body)["status"]) == (202, "assigning")
        assert await _stored(config) is RegistrationStatus.ASSIGNED

    asyncio.run(lived())


async def _refused(process: Process) -> None:
    """Wait until nobody is let in any more."""
    while True:
        try:
            _, writer = await process.connect()
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.01)


async def _stored(config: Config) -> RegistrationStatus:
    storage = await open_storage(config.storage, clock=SystemClock(), writer_name="test")
    try:
        (service,) = await storage.settings.services()
        record = await storage.registrations.record(service.service_id, DEVICE)
        assert record is not None
        return record.status
    finally:
        await storage.close()


def test_an_operation_that_another_process_left_open_is_finished(config: Config) -> None:
    async def scenario(process: Process) -> None:
        await process.register()
        record = await process.storage.registrations.record(process.service.service_id, DEVICE)
        assert record is not None
        left = replace(record, status=RegistrationStatus.ASSIGNING, etag=ETag('"left"'))
        claim = PutRegistration(record=left, expected=record.etag, claimed_until=StillClock().now().replace(year=2000))
        await process.storage.apply([claim])
        while left.status is RegistrationStatus.ASSIGNING:
            await asyncio.sleep(0.01)
            found = await process.storage.registrations.record(process.service.service_id, DEVICE)
            assert found is not None
            left = found
        assert left.status is RegistrationStatus.ASSIGNED

    run(config, scenario)


def test_a_workers_failure_is_counted_and_ends_no_worker(config: Config) -> None:
    async def lived() -> None:
        storage = await open_storage(config.storage, clock=SystemClock(), writer_name="server")
        tries, recovered = 0, asyncio.Event()

        async def failing_twice() -> bool:
            nonlocal tries
            tries += 1
            if tries <= 2:
                raise ConnectionError("the database is away")
            recovered.set()
            return False

        storage.purge_next = failing_twice  # type: ignore[method-assign]
        app = Application(config, storage, **TIME)
        await app.start()
        try:
            await recovered.wait()
            _, page = await Process(config, storage, app).get("/metrics")
        finally:
            await app.stop()
        assert b'homeport_crashes_total{operation="purge",transport="worker"} 2.0' in page

    asyncio.run(lived())


@pytest.mark.parametrize("lost", ["certificate", "private_key"])
def test_a_lost_certificate_is_named(config: Config, lost: str) -> None:
    file: Path = getattr(config.tls, lost)
    file.unlink()
    with pytest.raises(ConfigError, match=str(file)):
        asyncio.run(Application.open(config))


def test_a_key_of_another_certificate_is_named(config: Config, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ensure_files(tmp_path / "other", [HOST], [HOST])
    other = replace(config.tls, private_key=tmp_path / "other" / "server.key")
    with pytest.raises(ConfigError, match="is not the key of"):
        asyncio.run(Application.open(replace(config, tls=other)))


def test_new_certificates_are_used_while_the_server_runs(config: Config, tmp_path: Path) -> None:
    """Once their files have changed: nobody has to say a word."""
    (tmp_path / "new").mkdir()
    ensure_files(tmp_path / "new", [HOST], [HOST])
    watched = replace(config, tls=replace(config.tls, watch_seconds=0.01))

    async def scenario(process: Process) -> None:
        for file in (config.tls.certificate, config.tls.private_key):
            (tmp_path / "new" / file.name).replace(file)
        while await _trusts(process):  # noqa: ASYNC110 (a client is told nothing of it)
            await asyncio.sleep(0.01)

    run(watched, scenario)


async def _trusts(process: Process) -> bool:
    try:
        return (await process.get("/healthz"))[0] == 200
    except ssl.SSLCertVerificationError:
        return False


def test_a_sealing_key_is_read_with_its_newline(tmp_path: Path) -> None:
    file = tmp_path / "sealing.key"
    file.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    assert application.read_sealing_key(file) == bytes(range(32))


@pytest.mark.parametrize(
    ("content", "said"), [("", "0 bytes"), ("AAAA", "3 bytes"), ("no base64", "not base64"), ("ü", "not base64")]
)
def test_what_is_no_sealing_key_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "sealing.key"
    file.write_text(content)
    with pytest.raises(ConfigError, match=said):
        application.read_sealing_key(file)


def test_an_outage_of_the_storage_is_no_crash_and_its_end_is_noticed(config: Config) -> None:
    async def lived() -> None:
        storage = await open_storage(config.storage, clock=SystemClock(), writer_name="server")
        asked, answered = asyncio.Event(), asyncio.Event()

        async def failing_once() -> bool:
            if not asked.is_set():
                asked.set()
                raise StorageUnavailable("the disk is full")
            return False

        async def check() -> None:
            answered.set()

        storage.purge_next = failing_once  # type: ignore[method-assign]
        storage.check = check  # type: ignore[method-assign]
        app = Application(config, storage, **TIME)
        await app.start()
        try:
            await asked.wait()
            await answered.wait()
            _, page = await Process(config, storage, app).get("/metrics")
        finally:
            await app.stop()
        assert b"homeport_crashes_total{" not in page

    asyncio.run(lived())
