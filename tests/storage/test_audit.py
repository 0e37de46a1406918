"""The audit log in the database: chained, append-only, and as durable as the change it tells of."""

import asyncio

import pytest
from tests.storage.material import (
    REFUSALS,
    SERVICE,
    append_audit,
    on_storage,
    open_storage,
    put_record,
    put_service,
    tell,
)

from homeport.administration import audit_log
from homeport.model.identifiers import RegistrationId
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.store import Store


@on_storage
async def test_entries_are_numbered_and_chained(storage: Store) -> None:
    await storage.apply([append_audit("One", "s1"), append_audit("Two")])
    await storage.apply([append_audit("Three")])
    entries = await storage.audit.entries("writer-0", after=0, limit=10)
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert [audit_log.decoded(entry).event.kind for entry in entries] == ["One", "Two", "Three"]
    assert (await audit_log.verify(storage.audit, "writer-0")).is_whole


@on_storage
async def test_entries_are_read_page_by_page(storage: Store) -> None:
    await storage.apply([append_audit(f"E{number}") for number in range(5)])
    page = await storage.audit.entries("writer-0", after=2, limit=2)
    assert [entry.sequence for entry in page] == [3, 4]
    assert await storage.audit.entries("other", after=0, limit=2) == []


@on_storage
async def test_an_entry_is_undone_with_the_change_it_tells_of(storage: Store) -> None:
    await storage.apply([put_record("dev-1"), append_audit("First")])
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([append_audit("Never"), put_record("dev-1")])
    await storage.apply([append_audit("Second")])
    entries = await storage.audit.entries("writer-0", after=0, limit=10)
    assert [audit_log.decoded(entry).event.kind for entry in entries] == ["First", "Second"]
    assert (await audit_log.verify(storage.audit, "writer-0")).is_whole


@on_storage
async def test_lists_that_fail_in_a_batch_leave_no_gap_in_the_chain(storage: Store) -> None:
    await storage.apply([put_record("taken")])
    lists = [[append_audit(f"E{n}"), put_record("taken" if n % 3 else f"dev-{n}")] for n in range(30)]
    results = await asyncio.gather(*map(storage.apply, lists), return_exceptions=True)
    assert sum(isinstance(result, ChangedMeanwhile) for result in results) == 20
    verdict = await audit_log.verify(storage.audit, "writer-0")
    assert verdict.is_whole
    assert verdict.entries == 10


def test_each_writer_has_its_chain_and_resumes_it(database: str) -> None:
    async def write(name: str, *kinds: str) -> None:
        storage = await open_storage(database, writer_name=name)
        await storage.apply([append_audit(kind) for kind in kinds])
        await storage.close()

    async def story() -> None:
        await write("writer-0", "One", "Two")
        await write("writer-1", "One")
        await write("writer-0", "Three")
        storage = await open_storage(database)
        assert await storage.audit.chains() == ["writer-0", "writer-1"]
        verdicts = [await audit_log.verify(storage.audit, chain) for chain in await storage.audit.chains()]
        assert [(verdict.entries, verdict.is_whole) for verdict in verdicts] == [(3, True), (1, True)]
        await storage.close()

    asyncio.run(story())


def test_two_processes_of_one_name_do_not_fork_the_chain(database: str) -> None:
    async def story() -> None:
        one, two = await open_storage(database), await open_storage(database)
        for storage in (one, two, one, two):
            await storage.apply([append_audit("Event")])
        verdict = await audit_log.verify(one.audit, "writer-0")
        await one.close()
        await two.close()
        assert (verdict.entries, verdict.is_whole) == (4, True)

    asyncio.run(story())


@pytest.mark.parametrize("statement", ["UPDATE audit SET service_id = 2", "DELETE FROM audit"])
def test_the_database_refuses_to_change_an_entry(database: str, statement: str) -> None:
    async def fill() -> None:
        storage = await open_storage(database)
        await storage.apply([put_service(), append_audit("One")])
        await storage.close()

    asyncio.run(fill())
    with pytest.raises(REFUSALS, match="append-only"):
        tell(database, statement)


@on_storage
async def test_the_log_of_one_subject_is_found_in_all_of_it(storage: Store) -> None:
    await storage.apply([append_audit("Mine", "s1"), append_audit("Other", "s2"), append_audit("AlsoMine", "s1")])
    key = await storage.audit.subject_key(SERVICE, RegistrationId("dev-1"))
    assert key is None
    found = await audit_log.of_subject(storage.audit, audit_log.SubjectKey("s1"))
    assert [logged.event.kind for logged in found] == ["Mine", "AlsoMine"]
