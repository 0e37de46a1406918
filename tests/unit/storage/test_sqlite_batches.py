import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.storage.material import SEALER

from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.sqlite_batches import SqliteBatches
from homeport.storage.sqlite_connections import open_writer
from homeport.storage.transaction import Transaction
from homeport.storage.writer import Outcome, Work


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_writer(tmp_path / "h.db", durable=False)
    opened.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    yield opened
    opened.close()


@pytest.fixture
def batches(connection: sqlite3.Connection) -> Iterator[SqliteBatches]:
    made = SqliteBatches(connection, sealer=SEALER, chain="w", busy_timeout=0.1)
    yield made
    made.close()


def commit(batches: SqliteBatches, works: Sequence[Work[Transaction]], *, heavy: bool = False) -> Sequence[Outcome]:
    return asyncio.run(batches.commit(works, heavy=heavy))


def insert(*values: int) -> Work[Transaction]:
    async def work(transaction: Transaction) -> int:
        for value in values:
            await transaction.execute("INSERT INTO t VALUES (?)", (value,))
        return values[-1]

    return work


async def refuse(transaction: Transaction) -> None:
    raise ChangedMeanwhile


async def run_wrong_statement(transaction: Transaction) -> None:
    await transaction.execute("INSERT INTO nothing VALUES (1)", ())


def held(connection: sqlite3.Connection) -> list[int]:
    return [value for (value,) in connection.execute("SELECT x FROM t ORDER BY x").fetchall()]


def test_all_works_are_in_one_transaction(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    outcomes = commit(batches, [insert(1), insert(2, 3)])
    connection.set_trace_callback(None)
    assert [(outcome.result, outcome.error) for outcome in outcomes] == [(1, None), (3, None)]
    assert [statement.split()[0] for statement in statements] == ["BEGIN", "INSERT", "INSERT", "INSERT", "COMMIT"]
    assert held(connection) == [1, 2, 3]


def test_a_failing_work_is_undone_alone(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    outcomes = commit(batches, [insert(1), insert(2, 1), refuse, insert(3)])
    assert [type(outcome.error) for outcome in outcomes] == [type(None), ChangedMeanwhile, ChangedMeanwhile, type(None)]
    assert held(connection) == [1, 3]


def test_a_lone_failing_work_is_not_tried_twice(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    calls: list[int] = []

    async def count_and_refuse(transaction: Transaction) -> None:
        calls.append(1)
        raise ChangedMeanwhile

    (outcome,) = commit(batches, [count_and_refuse])
    assert isinstance(outcome.error, ChangedMeanwhile)
    assert calls == [1]
    assert not connection.in_transaction


def test_a_violated_constraint_tells_the_cause(batches: SqliteBatches) -> None:
    (outcome,) = commit(batches, [insert(1, 1)])
    assert isinstance(outcome.error, ChangedMeanwhile)
    assert isinstance(outcome.error.__cause__, sqlite3.IntegrityError)


def test_the_engines_failure_fails_all_and_undoes_all(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    outcomes = commit(batches, [insert(1), run_wrong_statement, insert(2)])
    assert all(isinstance(outcome.error, StorageUnavailable) for outcome in outcomes)
    assert not connection.in_transaction
    assert held(connection) == []


def test_a_failing_engine_on_the_second_try_fails_all(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    outcomes = commit(batches, [insert(1), refuse, run_wrong_statement])
    assert all(isinstance(outcome.error, StorageUnavailable) for outcome in outcomes)
    assert held(connection) == []
    (outcome,) = commit(batches, [insert(5)])
    assert outcome.error is None
    assert held(connection) == [5]


@pytest.mark.parametrize("heavy", [False, True])
def test_only_heavy_works_leave_the_event_loops_thread(batches: SqliteBatches, heavy: bool) -> None:
    async def tell_the_thread(transaction: Transaction) -> threading.Thread:
        return threading.current_thread()

    (outcome,) = commit(batches, [tell_the_thread], heavy=heavy)
    assert (outcome.result is threading.main_thread()) is not heavy


def test_a_lock_is_waited_for_without_blocking_the_event_loop(
    connection: sqlite3.Connection, batches: SqliteBatches, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "h.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def story() -> Sequence[Outcome]:
        committing = asyncio.ensure_future(batches.commit([insert(1)], heavy=False))
        await asyncio.sleep(0)
        assert not committing.done()
        other.execute("ROLLBACK")
        return await committing

    assert [outcome.error for outcome in asyncio.run(story())] == [None]
    assert held(connection) == [1]
    other.close()


def test_a_lock_that_stays_makes_the_works_fail(batches: SqliteBatches, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "h.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    (outcome,) = commit(batches, [insert(1)])
    other.close()
    assert isinstance(outcome.error, StorageUnavailable)
    assert commit(batches, [insert(1)])[0].error is None


def test_a_batch_whose_event_loop_ended_in_the_middle_is_undone(
    connection: sqlite3.Connection, batches: SqliteBatches
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t VALUES (9)")
    commit(batches, [insert(1)])
    assert held(connection) == [1]


def test_a_work_that_waits_for_something_else_fails_alone(
    connection: sqlite3.Connection, batches: SqliteBatches
) -> None:
    async def wait(transaction: Transaction) -> None:
        await asyncio.sleep(0)

    outcomes = commit(batches, [wait, insert(1)])
    assert [type(outcome.error) for outcome in outcomes] == [RuntimeError, type(None)]
    assert held(connection) == [1]


def test_nothing_is_written_to_a_file_that_is_no_longer_in_its_place(
    tmp_path: Path, connection: sqlite3.Connection, batches: SqliteBatches
) -> None:
    away = (tmp_path / "h.db").rename(tmp_path / "away.db")
    (outcome,) = commit(batches, [insert(1)])
    assert isinstance(outcome.error, StorageUnavailable)
    assert "moved" in str(outcome.error)
    away.rename(tmp_path / "h.db")
    commit(batches, [insert(2)])
    assert held(connection) == [2]


def test_while_a_lock_is_known_to_be_held_nobody_waits_for_long(
    tmp_path: Path, connection: sqlite3.Connection, batches: SqliteBatches
) -> None:
    other = sqlite3.connect(tmp_path / "h.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    attempts = []
    for value in (1, 2):
        (outcome,) = commit(batches, [insert(value)])
        assert isinstance(outcome.error, StorageUnavailable)
        attempts.append(asked.count("BEGIN IMMEDIATE"))
        asked.clear()
    assert attempts[0] > attempts[1] > 1
    other.execute("ROLLBACK")
    other.close()
    commit(batches, [insert(3)])
    assert held(connection) == [3]
