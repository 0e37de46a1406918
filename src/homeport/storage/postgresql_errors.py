"""What an error of the driver means for those who wait: the one place that knows asyncpg's exceptions.

A *conflict* rolled the transaction back and nothing of it happened; a *lost connection* did the same if the commit had
not been sent. Both are tried again. A *work's own fault* fails that work alone. Everything else is the engine's, and
fails the batch. SQLite's counterpart is at the end of `sqlite_batches.py`.
"""

import asyncpg

from homeport.storage.audit_chain import ChainMoved
from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.port import StorageUnavailable

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""Whatever talking to a server may raise."""

_LOST = (
    OSError,  # Refused, reset; a TimeoutError of ours is one as well.
    asyncpg.InterfaceError,  # Closed under our hands.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # It has become a standby: the primary is elsewhere.
)
_WORKS_OWN_FAULT = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.LockNotAvailableError,  # Somebody holds the rows of this work; the others have theirs.
)

_NOBODYS_FAULT = (*DRIVER_ERRORS, ChainMoved, StorageUnavailable)


def is_conflict(error: Exception) -> bool:
    """Whether a concurrent transaction was in the way: a serialization failure, a deadlock, a chain that moved."""
    if isinstance(error, asyncpg.StatementCompletionUnknownError):
        return False
    return isinstance(error, asyncpg.TransactionRollbackError | ChainMoved)


def is_lost_connection(error: Exception) -> bool:
    """Whether the connection is of no more use: gone, going, or to a server that cannot write."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False
    return isinstance(error, (*_LOST, asyncpg.OperatorInterventionError))


def is_about_no_text(error: Exception) -> bool:
    """Whether a question was about a text that cannot be stored, since it holds a NUL: no row has it."""
    return isinstance(error, asyncpg.CharacterNotInRepertoireError)


def is_works_own_fault(error: Exception) -> bool:
    """Whether one work asked for what cannot be, or has a fault of its own."""
    return isinstance(error, _WORKS_OWN_FAULT) or not isinstance(error, _NOBODYS_FAULT)


def for_caller(error: Exception) -> Exception:
    """A violated constraint means that a row appeared or went since the caller read."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        changed = ChangedMeanwhile(str(error))
        changed.__cause__ = error
        return changed
    return unavailable(error) if isinstance(error, DRIVER_ERRORS) else error


def unavailable(error: Exception) -> StorageUnavailable:
    """The driver's error for those who know no driver. The server's and the system's texts name no password."""
    found = StorageUnavailable(f"The database failed: {type(error).__name__}: {error}.")
    found.__cause__ = error
    return found
