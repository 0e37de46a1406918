"""SQLite fails: every waiter learns of it, nothing is half written, and service resumes by itself."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.storage.material import SERVICE, on_storage, open_storage, put_record, put_service, registration

from homeport.model.identifiers import RegistrationId
from homeport.storage.port import StorageUnavailable
from homeport.storage.store import Store
from homeport.storage.transaction import Transaction


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "h.db")


async def tell_the_writer(storage: Store, pragma: str) -> None:
    """Run a pragma on the connection that writes."""

    async def tell(transaction: Transaction) -> None:
        (await transaction.execute(pragma, ())).fetchall()

    await storage._writer.submit(tell)


@on_storage
async def test_a_full_disk_fails_all_waiters_and_nothing_is_half_written(storage: Store) -> None:
    await tell_the_writer(storage, "PRAGMA max_page_count = 1")
    attempts = [storage.apply(registration(f"dev-{number}")) for number in range(200)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    failed = [number for number, result in enumerate(results) if result is not None]
    assert failed
    assert all(isinstance(results[number], StorageUnavailable) for number in failed)
    for number in failed:
        assert await storage.registrations.record(SERVICE, RegistrationId(f"dev-{number}")) is None
    await tell_the_writer(storage, "PRAGMA max_page_count = 1073741823")
    await asyncio.gather(*(storage.apply(registration(f"dev-{number}")) for number in failed))
    assert await storage.registrations.record(SERVICE, RegistrationId("dev-199")) is not None


@on_storage
async def test_a_database_that_refuses_writes_is_unavailable_but_readable(storage: Store) -> None:
    await storage.apply([put_record("dev-1")])
    await storage.check()
    await tell_the_writer(storage, "PRAGMA query_only = ON")
    with pytest.raises(StorageUnavailable):
        await storage.apply([put_record("dev-2")])
    with pytest.raises(StorageUnavailable):
        await storage.check()
    assert await storage.registrations.record(SERVICE, RegistrationId("dev-1")) is not None


def test_a_lock_that_is_held_too_long_makes_it_unavailable_until_it_is_released(tmp_path: Path) -> None:
    async def story() -> None:
        storage = await open_storage(tmp_path / "h.db", busy_timeout=0.05)
        await storage.apply([put_service()])
        other = sqlite3.connect(tmp_path / "h.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable):
            await storage.apply([put_record("dev-1")])
        other.execute("ROLLBACK")
        other.close()
        await storage.apply([put_record("dev-1")])
        await storage.close()

    asyncio.run(story())


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h.db").write_bytes(b"something else" * 1000)
    with pytest.raises(StorageUnavailable, match="cannot be opened"):
        asyncio.run(open_storage(tmp_path / "h.db"))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be opened"):
        asyncio.run(open_storage(tmp_path / "missing" / "h.db"))
