import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.storage.material import SEALER

from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.sqlite_batches import SqliteBatches
from homeport.storage.sqlite_changes import Transaction
from homeport.storage.sqlite_connections import open_writer


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_writer(tmp_path / "h.db", durable=False)
    opened.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    yield opened
    opened.close()


@pytest.fixture
def batches(connection: sqlite3.Connection) -> SqliteBatches:
    return SqliteBatches(connection, sealer=SEALER, chain="w")


def insert(*values: int) -> Callable[[Transaction], int]:
    def work(transaction: Transaction) -> int:
        for value in values:
            transaction.execute("INSERT INTO t VALUES (?)", (value,))
        return values[-1]

    return work


def refuse(transaction: Transaction) -> None:
    raise ChangedMeanwhile


def run_wrong_statement(transaction: Transaction) -> None:
    transaction.execute("INSERT INTO nothing VALUES (1)", ())


def held(connection: sqlite3.Connection) -> list[int]:
    return [value for (value,) in connection.execute("SELECT x FROM t ORDER BY x").fetchall()]


def test_all_works_are_in_one_transaction(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    outcomes = batches.commit([insert(1), insert(2, 3)])
    connection.set_trace_callback(None)
    assert [(outcome.result, outcome.error) for outcome in outcomes] == [(1, None), (3, None)]
    assert [statement.split()[0] for statement in statements] == ["BEGIN", "INSERT", "INSERT", "INSERT", "COMMIT"]
    assert held(connection) == [1, 2, 3]


def test_a_failing_work_is_undone_alone(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    outcomes = batches.commit([insert(1), insert(2, 1), refuse, insert(3)])
    assert [type(outcome.error) for outcome in outcomes] == [type(None), ChangedMeanwhile, ChangedMeanwhile, type(None)]
    assert held(connection) == [1, 3]


def test_a_lone_failing_work_is_not_tried_twice(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    calls: list[int] = []

    def count_and_refuse(transaction: Transaction) -> None:
        calls.append(1)
        raise ChangedMeanwhile

    (outcome,) = batches.commit([count_and_refuse])
    assert isinstance(outcome.error, ChangedMeanwhile)
    assert calls == [1]
    assert not connection.in_transaction


def test_a_violated_constraint_tells_the_cause(batches: SqliteBatches) -> None:
    (outcome,) = batches.commit([insert(1, 1)])
    assert isinstance(outcome.error, ChangedMeanwhile)
    assert isinstance(outcome.error.__cause__, sqlite3.IntegrityError)


def test_the_engines_failure_fails_all_and_undoes_all(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    outcomes = batches.commit([insert(1), run_wrong_statement, insert(2)])
    assert all(isinstance(outcome.error, StorageUnavailable) for outcome in outcomes)
    assert not connection.in_transaction
    assert held(connection) == []


def test_a_failing_engine_on_the_second_try_fails_all(connection: sqlite3.Connection, batches: SqliteBatches) -> None:
    outcomes = batches.commit([insert(1), refuse, run_wrong_statement])
    assert all(isinstance(outcome.error, StorageUnavailable) for outcome in outcomes)
    assert held(connection) == []
    (outcome,) = batches.commit([insert(5)])
    assert outcome.error is None
    assert held(connection) == [5]
