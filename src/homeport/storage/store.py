"""What every engine's storage is made of: the five readers over its way to read, and the writer that groups commits.

Implements `storage/port.py` but for opening and closing, which `sqlite.py` and `postgresql.py` add. Knows no driver.
"""

from collections.abc import Sequence

from homeport.security.sealing import Sealer
from homeport.storage import change_steps
from homeport.storage.change_steps import Apply
from homeport.storage.changes import Change
from homeport.storage.port import (
    AuditReader,
    EnrollmentReader,
    HubDeviceReader,
    RegistrationReader,
    SettingsReader,
)
from homeport.storage.readers import (
    Fetch,
    StoredAudit,
    StoredEnrollments,
    StoredHubDevices,
    StoredRegistrations,
    StoredSettings,
)
from homeport.storage.sql import load
from homeport.storage.transaction import Transaction
from homeport.storage.writer import GroupCommitWriter

_SCHEMA = load("schema")

DEFAULT_LINGER = 0.01
"""Seconds that a commit waits for company under load."""


class Store:
    """A database, once it is open. The engines' storages are stores that know how to open and close."""

    def __init__(self, fetch: Fetch, writer: GroupCommitWriter[Transaction], *, sealer: Sealer) -> None:
        self._fetch = fetch
        self._writer = writer
        self.enrollments: EnrollmentReader = StoredEnrollments(fetch, sealer)
        self.registrations: RegistrationReader = StoredRegistrations(fetch, sealer, writer)
        self.settings: SettingsReader = StoredSettings(fetch, sealer)
        self.audit: AuditReader = StoredAudit(fetch)
        self.hub_devices: HubDeviceReader = StoredHubDevices(fetch, sealer)

    async def apply(self, changes: Sequence[Change]) -> None:
        """Commit all changes or none; durable when it returns. See `port.Storage.apply`."""
        await self._writer.submit(Apply(changes), heavy=change_steps.is_heavy(changes))

    async def purge_next(self) -> bool:
        """Work off one batch of a noted purge."""
        return await self._writer.submit(change_steps.purge_next, heavy=True)

    async def check(self) -> None:
        """Read, and commit a write that changes nothing; raises StorageUnavailable."""
        await self._fetch(_SCHEMA["probe_read"], ())
        await self._writer.submit(_write_nothing)


async def _write_nothing(transaction: Transaction) -> None:
    for _ in range(2):
        await transaction.execute(_SCHEMA["probe_write"], ())
