"""Many entries in one request, each on its own: what is refused stands in the result and stops nothing.

REST: bulk operations on enrollments and groups. It is no transaction: entries before a refused one stay.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.bulk import BulkOperationError, BulkResult
from homeport.model.events import ServiceEvent
from homeport.storage.port import StorageUnavailable

Step = tuple[str, Callable[[], Awaitable[tuple[object, Sequence[ServiceEvent]]]]]
"""The ID of an entry, and the verb to run for it."""


async def run_bulk(
    steps: Iterable[Step], *, refusal: Callable[[str, HomeportError], BulkOperationError]
) -> tuple[BulkResult, Sequence[ServiceEvent]]:
    """Run the steps in order; `refusal` makes an entry's error from its ID and what its verb raised."""
    refused: list[BulkOperationError] = []
    events: list[ServiceEvent] = []
    for identifier, run in steps:
        try:
            _, happened = await run()
        except HomeportError as error:
            refused.append(refusal(identifier, error))
        except StorageUnavailable:
            # Those before are done: who asked has to learn which.
            refused.append(refusal(identifier, HomeportError(errors.UNAVAILABLE, cause="storage", retry_after=1)))
        else:
            events.extend(happened)
    return BulkResult(is_successful=not refused, errors=tuple(refused)), events
