"""What both engines share is played on both in tests/storage; here: that a list goes to the writer as it should."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.storage.material import SEALER, append_audit, put_record

from homeport.storage.change_steps import LIGHT, Apply
from homeport.storage.port import StorageUnavailable
from homeport.storage.rows import Parameters, Row
from homeport.storage.store import Store
from homeport.storage.transaction import Transaction
from homeport.storage.writer import GroupCommitWriter, Outcome, Work


class NotedBatches:
    """Commits nothing and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Work[Transaction], bool]] = []

    async def commit(self, works: Sequence[Work[Transaction]], *, heavy: bool) -> Sequence[Outcome]:
        self.given += [(work, heavy) for work in works]
        return [Outcome() for _ in works]


async def unreadable(sql: str, parameters: Parameters) -> Sequence[Row]:
    raise StorageUnavailable("The database cannot be read.")


def made() -> tuple[Store, NotedBatches]:
    batches = NotedBatches()
    return Store(unreadable, GroupCommitWriter(batches, linger=0), sealer=SEALER), batches


@pytest.mark.parametrize(("count", "heavy"), [(1, False), (LIGHT, False), (LIGHT + 1, True)])
def test_a_list_is_one_work_and_a_long_one_is_heavy(count: int, heavy: bool) -> None:
    store, batches = made()
    changes = [append_audit("E")] * count
    asyncio.run(store.apply(changes))
    ((work, was_heavy),) = batches.given
    assert isinstance(work, Apply)
    assert (work.changes, was_heavy) == (changes, heavy)


def test_a_check_reads_before_it_writes() -> None:
    store, batches = made()
    with pytest.raises(StorageUnavailable):
        asyncio.run(store.check())
    assert batches.given == []
    asyncio.run(store.apply([put_record("dev-1")]))
    assert len(batches.given) == 1
