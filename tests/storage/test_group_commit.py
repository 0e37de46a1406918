"""Many callers, few commits: nobody's failure is another's, and everybody reads what they wrote."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.storage.material import (
    SERVICE,
    on_storage,
    open_storage,
    put_individual,
    put_record,
    put_service,
    registration,
    tell,
)

from homeport.model.identifiers import RegistrationId
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.store import Store


@on_storage
async def test_many_lists_at_once_are_all_there(storage: Store) -> None:
    names = [f"dev-{number}" for number in range(600)]
    await asyncio.gather(*(storage.apply(registration(name)) for name in names))
    for name in names:
        assert await storage.registrations.record(SERVICE, RegistrationId(name)) is not None


@on_storage
async def test_a_failing_list_is_undone_whole_and_alone(storage: Store) -> None:
    await storage.apply([put_record("taken")])
    good = [storage.apply([put_record(f"dev-{number}")]) for number in range(20)]
    bad = storage.apply([put_individual("half"), put_record("taken")])
    results = await asyncio.gather(*good[:10], bad, *good[10:], return_exceptions=True)
    assert isinstance(results[10], ChangedMeanwhile)
    assert [result for result in results if result is not None] == [results[10]]
    assert await storage.enrollments.individual(SERVICE, RegistrationId("half")) is None
    assert await storage.registrations.record(SERVICE, RegistrationId("dev-19")) is not None


@on_storage
async def test_of_rivals_for_one_record_exactly_one_wins(storage: Store) -> None:
    rivals = [storage.apply([put_record("dev-1", str(number))]) for number in range(20)]
    results = await asyncio.gather(*rivals, return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, ChangedMeanwhile) for result in results) == 19


@on_storage
async def test_a_caller_reads_what_it_has_written(storage: Store) -> None:
    for number in range(50):
        await storage.apply([put_record("dev-1", str(number + 1), expected=str(number) if number else None)])
        context = await storage.registrations.context(SERVICE, RegistrationId("dev-1"))
        assert context.record is not None
        assert context.record.etag == str(number + 1)


@on_storage
async def test_a_list_that_makes_no_sense_fails_with_its_own_error(storage: Store) -> None:
    nonsense = storage.apply(["no change"])  # type: ignore[list-item]
    results = await asyncio.gather(nonsense, storage.apply([put_record("dev-1")]), return_exceptions=True)
    assert isinstance(results[0], KeyError)
    assert results[1] is None


@on_storage
async def test_a_caller_that_gives_up_disturbs_nobody(storage: Store) -> None:
    impatient = asyncio.ensure_future(storage.apply([put_record("dev-1")]))
    patient = asyncio.ensure_future(storage.apply([put_record("dev-2")]))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await impatient


def test_closing_commits_what_is_queued_and_refuses_what_comes_after(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database, linger=0.05)
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
    assert tell(database, "SELECT count(*) FROM registrations") == ["700"]


def test_two_processes_may_write_to_one_database(database: str) -> None:
    async def story() -> None:
        one, two = await open_storage(database), await open_storage(database, writer_name="writer-1")
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


def test_processes_that_start_at_once_on_a_new_database_all_open_it(database: str) -> None:
    start = threading.Barrier(4)

    async def open_and_close_inside(writer_name: str) -> None:
        storage = await open_storage(database, writer_name=writer_name)
        await storage.close()

    def open_and_close(number: int) -> None:
        start.wait()
        asyncio.run(open_and_close_inside(f"writer-{number}"))

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(open_and_close, range(4)))
