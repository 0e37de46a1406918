"""Opening and closing; what it does while it is open is played in tests/storage."""

import asyncio

import pytest
from tests import postgresql
from tests.storage.material import open_storage, put_record, put_service, tell

from homeport.storage.migrator import DatabaseTooNew
from homeport.storage.port import StorageUnavailable


def test_a_database_from_the_future_is_refused(url: str) -> None:
    async def story() -> None:
        await (await open_storage(url)).close()
        tell(url, "INSERT INTO schema_version VALUES (9999, 'future', 0)")
        with pytest.raises(DatabaseTooNew):
            await open_storage(url)

    asyncio.run(story())


def test_a_server_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(StorageUnavailable, match="No connection"):
        asyncio.run(open_storage("postgresql://127.0.91.99:1/homeport"))


def test_closing_commits_what_is_queued_and_leaves_no_connection(url: str) -> None:
    async def story() -> None:
        storage = await open_storage(url)
        await storage.apply([put_service()])
        queued = [asyncio.ensure_future(storage.apply([put_record(f"dev-{number}")])) for number in range(200)]
        await asyncio.sleep(0)
        await storage.close()
        await asyncio.gather(*queued)
        with pytest.raises(StorageUnavailable):
            await storage.settings.services()

    asyncio.run(story())
    assert tell(url, "SELECT count(*) FROM registrations") == ["200"]
    connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'homeport' AND datname = "
    while postgresql.ask(url, f"{connections}'{url.rpartition('/')[2]}'") != "0":
        pass  # A backend is gone a moment after its connection.
