"""What escapes from the rooms behind the edge, as an error of the catalogue, reported once.

The one rule for all transports: a HomeportError says what it is, a storage that does not answer is a 503 that
may be retried, and anything else is a fault of ours, whose traceback goes to the log and to nobody else.
"""

from homeport import errors
from homeport.endpoints.ports import Reports
from homeport.errors import HomeportError
from homeport.storage.port import StorageUnavailable

RETRY_AFTER = 5
"""Seconds until those should come back whom a storage that does not answer has sent away. A disk is not freed and a
server not started again within one, and all who were sent away come."""


def catalogued(
    error: Exception, reporter: Reports, *, operation: str, transport: str, correlation_id: str
) -> HomeportError:
    """Report the failure of a request, and return what its caller is told."""
    ours = _storage_failed(error, reporter) if isinstance(error, StorageUnavailable) else _known(error)
    if ours is None:
        reporter.crashed(error, operation=operation, transport=transport, correlation_id=correlation_id)
        return HomeportError(errors.INTERNAL)
    reporter.refused(ours, operation=operation, transport=transport, correlation_id=correlation_id)
    return _without_history(ours)


def _known(error: Exception) -> HomeportError | None:
    return error if isinstance(error, HomeportError) else None


def _storage_failed(error: StorageUnavailable, reporter: Reports) -> HomeportError:
    """The reason is the operator's; who asked learns when to come back."""
    reporter.storage_failed(str(error))
    return HomeportError(errors.UNAVAILABLE, cause="storage", retry_after=RETRY_AFTER)


def _without_history(error: HomeportError) -> HomeportError:
    """The error alone. Its history holds the frames that led here, with the request's bytes; kept in a variable of
    one of these, that is a cycle, and a flood of refusals fills the memory before the collector comes round."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error
