"""What is found wrong with a database that is not as it should be, and nothing with one that is."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.storage.material import (
    HUB,
    SEALER,
    SERVICE,
    hub_device,
    hub_twin,
    is_postgresql,
    open_storage,
    put_group,
    put_individual,
    put_record,
    put_service,
    put_subject,
    tell,
)

from homeport.model.linked_hub import LinkedHub
from homeport.security.sealing import Sealer
from homeport.storage import checking
from homeport.storage.changes import EnsureHubDevice, PutLinkedHub
from homeport.storage.checking import Flaws
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.opening import Database, reading
from homeport.storage.readers import Fetch

EMBEDDED = LinkedHub(service_id=SERVICE, host_name=HUB, connector="embedded")


def look(database: str, check: Callable[[Fetch], Awaitable[Flaws]]) -> Flaws:
    async def run() -> Flaws:
        place: Database = DatabaseUrl(database) if is_postgresql(database) else Path(database)
        async with reading(place) as fetch:
            return await check(fetch)

    return asyncio.run(run())


def fill(database: str) -> None:
    async def run() -> None:
        storage = await open_storage(database)
        device = EnsureHubDevice(device=hub_device("dev-1"), twin=hub_twin("dev-1"))
        await storage.apply([put_service(), PutLinkedHub(hub=EMBEDDED), put_group("g"), put_individual("dev-1")])
        await storage.apply([put_subject("dev-1", "subject of dev-1"), put_record("dev-1"), device])
        await storage.close()

    asyncio.run(run())


def seals(sealer: Sealer) -> Callable[[Fetch], Awaitable[Flaws]]:
    return lambda fetch: checking.seal_flaws(fetch, sealer, lambda _: None)


@pytest.fixture(autouse=True)
def _filled(database: str) -> None:
    fill(database)


def test_a_database_that_is_as_it_should_be(database: str) -> None:
    engine = "postgresql" if is_postgresql(database) else "sqlite"
    assert look(database, lambda fetch: checking.schema_flaws(fetch, engine)) == []
    for check in (checking.engine_flaws, checking.agreement_flaws, seals(SEALER)):
        assert look(database, check) == []


def test_a_schema_that_is_behind(database: str) -> None:
    tell(database, "DELETE FROM schema_version WHERE version > 1")
    (first, *_) = look(database, lambda fetch: checking.schema_flaws(fetch, "sqlite"))
    assert first == "migration 0002 evidence has not run; `homeport database migrate`"


def test_a_record_whose_device_is_not_at_its_hub(database: str) -> None:
    tell(database, "DELETE FROM hub_devices")
    (flaw,) = look(database, checking.agreement_flaws)
    assert flaw.startswith("1 assigned records have no device at their embedded hub")


def test_a_device_at_a_hub_that_is_not_ours_is_not_missed(database: str) -> None:
    tell(database, "UPDATE linked_hubs SET connector = 'another'")
    tell(database, "DELETE FROM hub_devices")
    assert look(database, checking.agreement_flaws) == []


def test_a_record_whose_subject_has_another_name(database: str) -> None:
    tell(database, "UPDATE subjects SET subject_key = 'another'")
    assert look(database, checking.agreement_flaws) == ["1 records do not agree with the names of their subjects"]


def test_another_sealing_key_opens_nothing(database: str) -> None:
    seen: list[int] = []
    other = Sealer(bytes(32))
    flaws = look(database, lambda fetch: checking.seal_flaws(fetch, other, seen.append))
    sealed = ("individual_enrollments", "enrollment_groups", "hub_devices")
    assert flaws == [f"1 rows of {table} cannot be opened with this sealing key" for table in sealed]
    assert sum(seen) == len(sealed)


def test_a_sealed_blob_that_stands_in_another_row(database: str) -> None:
    tell(database, "UPDATE individual_enrollments SET folded_id = 'dev-2'")
    assert look(database, seals(SEALER)) == ["1 rows of individual_enrollments cannot be opened with this sealing key"]


def test_a_row_of_a_service_that_is_gone_from_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "apart.db"
    fill(str(file))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DELETE FROM services")
    found = look(str(file), checking.engine_flaws)
    assert "1 rows of individual_enrollments refer to what is not there" in found


def test_an_index_of_postgresql_that_could_not_be_made(url: str) -> None:
    tell(url, "CREATE TABLE IF NOT EXISTS twice AS SELECT 1 AS x FROM generate_series(1, 2)")
    with pytest.raises(Exception, match="could not create unique index"):
        tell(url, "CREATE UNIQUE INDEX CONCURRENTLY broken ON twice (x)")
    assert look(url, checking.engine_flaws) == ["index broken is invalid"]
