"""PostgreSQL fails, or several nodes meet: nothing that was acknowledged is lost, and service resumes by itself."""

import asyncio
from collections.abc import Iterator

import pytest
from tests import postgresql
from tests.postgresql import PostgresqlServer
from tests.storage.material import SERVICE, open_storage, put_record, put_service, registration, tell

from homeport.administration import audit_log
from homeport.model.identifiers import RegistrationId
from homeport.storage import postgresql_connections
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.store import Store


@pytest.fixture
def database() -> Iterator[str]:
    made = postgresql.fresh_database()
    yield made
    postgresql.give_back(made)


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    server = PostgresqlServer()
    server.start()
    yield server
    server.remove()


async def insist(storage: Store, name: str) -> None:
    """Register as a device does: ask again while storage is unavailable; one's own record is as good as a new one."""
    while True:
        try:
            await storage.apply(registration(name))
            return
        except ChangedMeanwhile:
            assert await storage.registrations.record(SERVICE, RegistrationId(name)) is not None
            return
        except StorageUnavailable:
            await asyncio.sleep(0.01)


def agree(database: str, count: int) -> None:
    """Every table tells of so many registrations, no more and no less."""
    for table in ("registrations", "subjects", "hub_devices", "audit"):
        assert tell(database, f"SELECT count(*) FROM {table}") == [str(count)], table


def test_connections_that_are_killed_in_a_storm_lose_nothing(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service()])
        storm = asyncio.gather(*(insist(storage, f"dev-{number}") for number in range(3000)))
        for _ in range(8):
            await asyncio.sleep(0.03)
            await asyncio.to_thread(postgresql.end_connections, database)
        await storm
        verdict = await audit_log.verify(storage.audit, "writer-0")
        assert (verdict.is_whole, verdict.entries) == (True, 3000)
        await storage.close()

    asyncio.run(story())
    agree(database, 3000)


def test_a_server_that_is_stopped_and_started_again_is_found_again(own_server: PostgresqlServer) -> None:
    database = own_server.fresh_database()

    async def story() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service(), put_record("before")])
        own_server.stop()
        for attempt in (storage.apply([put_record("during")]), storage.check(), storage.settings.services()):
            with pytest.raises(StorageUnavailable):
                await attempt
        own_server.start()
        assert await storage.registrations.record(SERVICE, RegistrationId("before")) is not None
        await storage.apply([put_record("after")])
        await storage.check()
        await storage.close()

    asyncio.run(story())


def test_a_restart_in_a_storm_loses_nothing(own_server: PostgresqlServer) -> None:
    database = own_server.fresh_database()

    async def story() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service()])
        storm = asyncio.gather(*(insist(storage, f"dev-{number}") for number in range(3000)))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(own_server.stop, "fast")
        await asyncio.to_thread(own_server.start)
        await storm
        await storage.close()
        found = own_server.ask(database.rpartition("/")[2], "SELECT count(*) FROM registrations")
        assert found == "3000"

    asyncio.run(story())


def test_a_commit_that_waits_for_its_standby_is_seen_by_nobody_and_not_cut_short(
    own_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks again must not be told of a registration that the primary alone knows."""
    monkeypatch.setattr(postgresql_connections, "COMMIT_TIMEOUT", 0.3)
    database = own_server.fresh_database()

    def wait_for_standby(name: str) -> None:
        own_server.ask("postgres", f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        own_server.ask("postgres", "SELECT pg_reload_conf()")
        # A process that began after the reload has the setting; the checkpointer, told before, has commits wait.
        while own_server.ask("postgres", "SHOW synchronous_standby_names") != name:
            pass
        own_server.ask("postgres", "CHECKPOINT")

    async def story() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service()])
        await asyncio.to_thread(wait_for_standby, "nobody")
        with pytest.raises(StorageUnavailable):
            await storage.apply([put_record("dev-1")])
        assert await storage.registrations.record(SERVICE, RegistrationId("dev-1")) is None
        await asyncio.to_thread(wait_for_standby, "")
        while await storage.registrations.record(SERVICE, RegistrationId("dev-1")) is None:
            pass
        await storage.close()

    asyncio.run(story())


def test_nodes_that_write_the_same_rows_at_once_agree(database: str) -> None:
    """Each of two nodes gets every device's registration; exactly one of them wins each."""

    async def story() -> None:
        one, two = await open_storage(database), await open_storage(database, writer_name="writer-1")
        await one.apply([put_service()])
        names = [f"dev-{number:03d}" for number in range(300)]
        attempts = [(one, name) for name in names] + [(two, name) for name in reversed(names)]
        results = await asyncio.gather(
            *(storage.apply(registration(name)) for storage, name in attempts), return_exceptions=True
        )
        assert sum(result is None for result in results) == 300
        assert sum(isinstance(result, ChangedMeanwhile) for result in results) == 300
        verdicts = [await audit_log.verify(one.audit, chain) for chain in await one.audit.chains()]
        assert all(verdict.is_whole for verdict in verdicts)
        await one.close()
        await two.close()

    asyncio.run(story())
    agree(database, 300)


def test_nodes_that_change_the_same_rows_again_and_again_lose_no_change(database: str) -> None:
    async def count_up(storage: Store) -> None:
        for _ in range(40):
            while True:
                record = await storage.registrations.record(SERVICE, RegistrationId("dev-1"))
                assert record is not None
                try:
                    await storage.apply([put_record("dev-1", str(int(record.etag) + 1), expected=record.etag)])
                    break
                except ChangedMeanwhile:
                    continue

    async def story() -> None:
        nodes = [await open_storage(database, writer_name=f"writer-{number}") for number in range(3)]
        await nodes[0].apply([put_service(), put_record("dev-1", "0")])
        await asyncio.gather(*map(count_up, nodes))
        record = await nodes[0].registrations.record(SERVICE, RegistrationId("dev-1"))
        assert record is not None
        assert record.etag == "120"
        for node in nodes:
            await node.close()

    asyncio.run(story())


def test_sixty_four_in_flight_share_their_commits(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service()])
        before = int(commits(database))
        numbers = iter(range(1280))

        async def device() -> None:
            for number in numbers:
                await storage.apply(registration(f"dev-{number}"))

        await asyncio.gather(*(device() for _ in range(64)))
        await storage.close()
        assert 1280 / (int(commits(database)) - before) >= 16

    def commits(url: str) -> str:
        """Of transactions that wrote: each appended to the audit log under a transaction number of its own."""
        return tell(url, "SELECT count(DISTINCT xmin::text) FROM audit")[0]

    asyncio.run(story())
