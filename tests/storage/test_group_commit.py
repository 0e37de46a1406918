"""Many callers, few commits: nobody's failure is another's, and everybody reads what they wrote."""

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.storage.material import (
    SERVICE,
    on_storage,
    open_storage,
    put_individual,
    put_record,
    put_service,
    registration,
)

from homeport.model.identifiers import RegistrationId
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.sqlite import SqliteStorage


@on_storage
async def test_many_lists_at_once_are_all_there(storage: SqliteStorage) -> None:
    names = [f"dev-{number}" for number in range(600)]
    await asyncio.gather(*(storage.apply(registration(name)) for name in names))
    for name in names:
        assert await storage.registrations.record(SERVICE, RegistrationId(name)) is not None


@on_storage
async def test_a_failing_list_is_undone_whole_and_alone(storage: SqliteStorage) -> None:
    await storage.apply([put_record("taken")])
    good = [storage.apply([put_record(f"dev-{number}")]) for number in range(20)]
    bad = storage.apply([put_individual("half"), put_record("taken")])
    results = await asyncio.gather(*good[:10], bad, *good[10:], return_exceptions=True)
    assert isinstance(results[10], ChangedMeanwhile)
    assert [result for result in results if result is not None] == [results[10]]
    assert await storage.enrollments.individual(SERVICE, RegistrationId("half")) is None
    assert await storage.registrations.record(SERVICE, RegistrationId("dev-19")) is not None


@on_storage
async def test_of_rivals_for_one_record_exactly_one_wins(storage: SqliteStorage) -> None:
    rivals = [storage.apply([put_record("dev-1", str(number))]) for number in range(20)]
    results = await asyncio.gather(*rivals, return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, ChangedMeanwhile) for result in results) == 19


@on_storage
async def test_a_caller_reads_what_it_has_written(storage: SqliteStorage) -> None:
    for number in range(50):
        await storage.apply([put_record("dev-1", str(number + 1), expected=str(number) if number else None)])
        context = await storage.registrations.context(SERVICE, RegistrationId("dev-1"))
        assert context.record is not None
        assert context.record.etag == str(number + 1)


@on_storage
async def test_a_list_that_makes_no_sense_fails_with_its_own_error(storage: SqliteStorage) -> None:
    nonsense = storage.apply(["no change"])  # type: ignore[list-item]
    results = await asyncio.gather(nonsense, storage.apply([put_record("dev-1")]), return_exceptions=True)
    assert isinstance(results[0], KeyError)
    assert results[1] is None


@on_storage
async def test_a_caller_that_gives_up_disturbs_nobody(storage: SqliteStorage) -> None:
    impatient = asyncio.ensure_future(storage.apply([put_record("dev-1")]))
    patient = asyncio.ensure_future(storage.apply([put_record("dev-2")]))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await impatient


def test_closing_commits_what_is_queued_and_refuses_what_comes_after(tmp_path: Path) -> None:
    async def story() -> None:
        storage = open_storage(tmp_path / "h.db", linger=0.05)
        await storage.apply([put_service()])
        queued = [asyncio.ensure_future(storage.apply([put_record(f"dev-{number}")])) for number in range(700)]
        await asyncio.sleep(0)
        await storage.close()
        await asyncio.gather(*queued)
        with pytest.raises(StorageUnavailable):
            await storage.apply([put_record("late")])
        with pytest.raises(StorageUnavailable):
            await storage.registrations.record(SERVICE, RegistrationId("late"))

    asyncio.run(story())
    database = sqlite3.connect(tmp_path / "h.db")
    assert database.execute("SELECT count(*) FROM registrations").fetchone() == (700,)
    database.close()


def test_two_processes_may_write_to_one_database(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "h.db"
        one, two = open_storage(path), open_storage(path, writer_name="writer-1")
        await one.apply([put_service()])
        shares = [(one, "a"), (two, "b")] * 100
        await asyncio.gather(
            *(storage.apply(registration(f"{mark}-{number}")) for number, (storage, mark) in enumerate(shares))
        )
        assert await one.registrations.record(SERVICE, RegistrationId("b-199")) is not None
        assert await two.registrations.record(SERVICE, RegistrationId("a-198")) is not None
        await one.close()
        await two.close()

    asyncio.run(story())


def test_processes_that_start_at_once_on_a_new_database_all_open_it(tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def open_and_close(number: int) -> None:
        start.wait()
        asyncio.run(open_storage(tmp_path / "h.db", writer_name=f"writer-{number}").close())

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(open_and_close, range(4)))
