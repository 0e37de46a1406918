"""Batches on a real server whose connection is interfered with: what is tried again, what is told, and to whom."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest
from tests import postgresql
from tests.storage.material import SEALER, SERVICE, open_storage, put_record, put_service, registration, tell

from homeport.clock import SystemRandomness
from homeport.storage.change_steps import Apply
from homeport.storage.changes import Change, ChangedMeanwhile
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_batches import OutcomeUnknown, PostgresqlBatches
from homeport.storage.postgresql_connections import PostgresqlConnection, connect
from homeport.storage.sql import load_for
from homeport.storage.transaction import Transaction
from homeport.storage.writer import Outcome

CONFLICTS = [asyncpg.SerializationError("conflict"), asyncpg.DeadlockDetectedError("deadlock")]
INSERT = load_for("postgresql", "bulk")["insert_registrations"]


class Interference:
    """Connects to the server, and fails in place of the statements that it is told to, once each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.instead: dict[str, Exception | Callable[[], object]] = {}
        self.behind: dict[str, Exception] = {}
        self.said: list[str] = []
        self.connections = 0
        self.refusals = 0

    async def connect(self) -> "InterferedConnection":
        if self.refusals:
            self.refusals -= 1
            raise StorageUnavailable("No connection.")
        self.connections += 1
        return InterferedConnection(await connect(DatabaseUrl(self.url)), self)


class InterferedConnection:
    def __init__(self, real: PostgresqlConnection, interference: Interference) -> None:
        self.real = real
        self.interference = interference
        self.terminate, self.close = real.terminate, real.close

    @property
    def is_closed(self) -> bool:
        return self.real.is_closed

    async def execute(self, sql: str, parameters: Sequence[Any]) -> Any:
        return await self._interfere(sql, lambda: self.real.execute(sql, parameters))

    async def control(self, statement: str) -> Any:
        return await self._interfere(statement, lambda: self.real.control(statement))

    async def commit(self, statement: str) -> Any:
        return await self._interfere(statement, lambda: self.real.commit(statement))

    async def _interfere(self, statement: str, run: Callable[[], Awaitable[Any]]) -> Any:
        self.interference.said.append(statement.split()[0])
        instead = self.interference.instead.pop(statement, None)
        if isinstance(instead, Exception):
            raise instead
        if instead is not None:
            instead()
        answer = await run()
        if statement in self.interference.behind:
            raise self.interference.behind.pop(statement)
        return answer


Story = Callable[[PostgresqlBatches, Interference], Awaitable[None]]


def play(url: str, story: Story, *, patience: float = 5.0) -> None:
    async def run() -> None:
        storage = await open_storage(url)
        await storage.apply([put_service()])
        await storage.close()
        interference = Interference(url)
        batches = PostgresqlBatches(
            interference.connect,  # type: ignore[arg-type]
            sealer=SEALER,
            chain="writer-0",
            randomness=SystemRandomness(),
            patience=patience,
        )
        await story(batches, interference)
        await batches.close()

    asyncio.run(run())


async def commit(batches: PostgresqlBatches, *lists: Sequence[Change]) -> list[BaseException | None]:
    outcomes: Sequence[Outcome] = await batches.commit([Apply(changes) for changes in lists], heavy=False)
    return [outcome.error for outcome in outcomes]


def stored(url: str) -> list[str]:
    return tell(url, "SELECT folded_id FROM registrations ORDER BY folded_id")


def three() -> list[list[Change]]:
    return [registration(name) for name in "abc"]


def test_lists_go_together_in_one_transaction(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        assert await commit(batches, *three()) == [None] * 3
        assert interference.said == ["BEGIN", "INSERT", "INSERT", "INSERT", "SELECT", "INSERT", "COMMIT"]
        interference.said.clear()
        await commit(batches, registration("d"), registration("e"))
        assert "SELECT" not in interference.said, "the head of the chain was known"

    play(url, story)
    assert stored(url) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("conflict", CONFLICTS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("statement", [INSERT, "COMMIT"], ids=["insert", "commit"])
def test_a_conflict_is_tried_again(url: str, conflict: Exception, statement: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.instead[statement] = conflict
        assert await commit(batches, *three()) == [None] * 3
        assert interference.connections == 1

    play(url, story)
    assert stored(url) == ["a", "b", "c"]


def test_a_conflict_that_stays_is_told_in_the_end(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.instead[INSERT] = CONFLICTS[0]
        errors = await commit(batches, *three())
        assert [type(error) for error in errors] == [StorageUnavailable] * 3
        assert await commit(batches, *three()) == [None] * 3

    play(url, story, patience=0)


@pytest.mark.parametrize("statement", ["BEGIN", INSERT], ids=["begin", "insert"])
def test_a_connection_that_is_ended_before_the_commit_is_replaced_and_the_batch_done_again(
    url: str, statement: str
) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.instead[statement] = lambda: postgresql.end_connections(url)
        assert await commit(batches, *three()) == [None] * 3
        assert interference.connections == 2

    play(url, story)
    assert stored(url) == ["a", "b", "c"]
    assert tell(url, "SELECT count(*), max(sequence) FROM audit") == ["3|3"]


def test_a_connection_that_is_lost_before_the_commit_arrives_leaves_nothing_and_all_are_told(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.instead["COMMIT"] = lambda: postgresql.end_connections(url)
        assert [type(error) for error in await commit(batches, *three())] == [OutcomeUnknown] * 3
        assert stored(url) == []
        assert await commit(batches, *three()) == [None] * 3, "asking again does it"

    play(url, story)


def test_a_commit_whose_answer_is_lost_has_happened_and_asking_again_forks_no_chain(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.behind["COMMIT"] = ConnectionResetError("the answer is lost")
        assert [type(error) for error in await commit(batches, *three())] == [OutcomeUnknown] * 3
        assert stored(url) == ["a", "b", "c"]
        again = await commit(batches, *three(), registration("d"))
        assert [type(error) for error in again] == [*[ChangedMeanwhile] * 3, type(None)]

    play(url, story)
    assert tell(url, "SELECT sequence FROM audit ORDER BY sequence") == ["1", "2", "3", "4"]


def test_a_server_that_comes_back_within_the_patience_is_waited_for(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.refusals = 3
        assert await commit(batches, *three()) == [None] * 3

    play(url, story)


def test_once_a_server_is_known_to_be_gone_each_batch_asks_once(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        interference.refusals = 10_000
        assert [type(error) for error in await commit(batches, *three())] == [StorageUnavailable] * 3
        interference.refusals = 1
        assert [type(error) for error in await commit(batches, *three())] == [StorageUnavailable] * 3
        assert interference.refusals == 0
        assert await commit(batches, *three()) == [None] * 3

    play(url, story, patience=0.1)


def test_a_list_that_missed_its_row_fails_alone_and_the_rest_is_done_by_steps(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        await commit(batches, [put_record("taken")])
        errors = await commit(batches, registration("a"), registration("taken"), registration("b"))
        assert [type(error) for error in errors] == [type(None), ChangedMeanwhile, type(None)]

    play(url, story)
    assert stored(url) == ["a", "b", "taken"]
    assert tell(url, "SELECT sequence FROM audit ORDER BY sequence") == ["1", "2"]


def test_a_text_that_the_server_cannot_store_fails_alone(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        broken = put_record("a", error_message="a \0 in it")
        for lists in ([[broken]], [[put_record("b")], [broken], [put_record("c")]]):
            errors = await commit(batches, *lists)
            assert [type(error) for error in errors if error] == [StorageUnavailable]

    play(url, story)
    assert stored(url) == ["b", "c"]


def test_a_row_that_somebody_holds_fails_its_own_list_only(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        await commit(batches, [put_record("held")])
        holder = await connect(DatabaseUrl(url))
        await holder.control("BEGIN; UPDATE registrations SET etag = etag")
        replacing = put_record("held", "2", expected="1")
        errors = await commit(batches, registration("a"), [replacing], registration("b"))
        assert [type(error) for error in errors] == [type(None), StorageUnavailable, type(None)]
        await holder.control("ROLLBACK")
        await holder.close()
        assert await commit(batches, [replacing]) == [None]

    play(url, story)


def test_another_process_of_the_same_name_moves_the_chain_and_no_entry_is_lost(url: str) -> None:
    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        await commit(batches, *three())
        other = await open_storage(url, writer_name="writer-0")
        await other.apply(registration("d"))
        assert await commit(batches, registration("e"), registration("f")) == [None, None]
        await other.apply(registration("g"))
        await other.close()
        assert await commit(batches, registration("h")) == [None]

    play(url, story)
    assert tell(url, "SELECT count(*), max(sequence) FROM audit") == ["8|8"]


def test_a_work_tells_its_result(url: str) -> None:
    async def count(transaction: Transaction) -> int:
        return len((await transaction.execute("SELECT service_id FROM services", ())).fetchall())

    async def story(batches: PostgresqlBatches, interference: Interference) -> None:
        outcomes = await batches.commit([count, Apply([put_record("a")]), count], heavy=True)
        assert [outcome.result for outcome in outcomes] == [SERVICE, None, SERVICE]

    play(url, story)
