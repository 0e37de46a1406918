"""What each kind of the driver's errors means: tried again, one work's own, or everybody's."""

import asyncpg
import pytest

from homeport.storage.audit_chain import ChainMoved
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_errors import (
    for_caller,
    is_conflict,
    is_lost_connection,
    is_works_own_fault,
    unavailable,
)

CONFLICTS = [asyncpg.SerializationError("x"), asyncpg.DeadlockDetectedError("x"), ChainMoved()]
LOST = [
    ConnectionResetError("x"),
    TimeoutError("x"),
    asyncpg.InterfaceError("x"),
    asyncpg.ConnectionDoesNotExistError("x"),
    asyncpg.AdminShutdownError("x"),
    asyncpg.CrashShutdownError("x"),
    asyncpg.CannotConnectNowError("x"),
    asyncpg.TooManyConnectionsError("x"),
    asyncpg.ReadOnlySQLTransactionError("x"),
]
OWN = [
    asyncpg.UniqueViolationError("x"),
    asyncpg.ForeignKeyViolationError("x"),
    asyncpg.CharacterNotInRepertoireError("x"),
    asyncpg.UndefinedTableError("x"),
    asyncpg.LockNotAvailableError("x"),
    ChangedMeanwhile(),
    KeyError("x"),
]
EVERYBODYS = [
    asyncpg.DiskFullError("x"),
    asyncpg.QueryCanceledError("x"),
    asyncpg.StatementCompletionUnknownError("x"),
    StorageUnavailable("x"),
]


def meaning(error: Exception) -> list[bool]:
    return [is_conflict(error), is_lost_connection(error), is_works_own_fault(error)]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (CONFLICTS, [True, False, False]),
        (LOST, [False, True, False]),
        (OWN, [False, False, True]),
        (EVERYBODYS, [False, False, False]),
    ],
    ids=["conflicts", "lost connections", "works' own faults", "everybody's"],
)
def test_an_error_means_one_thing(errors: list[Exception], expected: list[bool]) -> None:
    assert {type(error).__name__: meaning(error) for error in errors} == {
        type(error).__name__: expected for error in errors
    }


def test_a_caller_learns_of_changes_of_unavailability_and_of_its_own_errors() -> None:
    changed = for_caller(asyncpg.UniqueViolationError("taken"))
    assert isinstance(changed, ChangedMeanwhile)
    assert isinstance(changed.__cause__, asyncpg.UniqueViolationError)
    assert isinstance(for_caller(asyncpg.LockNotAvailableError("x")), StorageUnavailable)
    own = KeyError("x")
    assert for_caller(own) is own


def test_an_unavailable_database_keeps_the_drivers_error() -> None:
    cause = asyncpg.DiskFullError("no space left")
    assert unavailable(cause).__cause__ is cause
    assert "no space left" in str(unavailable(cause))
