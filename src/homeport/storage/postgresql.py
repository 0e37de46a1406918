"""PostgreSQL as the second engine: one database, many processes and nodes, each with one connection that writes.

Implements `storage/port.py`. The parts: `postgresql_connections.py` connects, `postgresql_migrator.py` brings the
schema up, `postgresql_reads.py` reads, `writer.py` groups the commits, `postgresql_batches.py` runs them,
`postgresql_bulk.py` writes many lists at once; `store.py` joins them with what both engines share.
`postgresql_channel.py` stands apart. docs/explanation/databases.md says on what else this runs.
"""

from functools import partial
from typing import Self

from homeport.clock import Clock, Randomness
from homeport.security.sealing import Sealer
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.postgresql_batches import PostgresqlBatches
from homeport.storage.postgresql_connections import connect
from homeport.storage.postgresql_migrator import migrate
from homeport.storage.postgresql_reads import ReadPool
from homeport.storage.store import DEFAULT_LINGER, Store
from homeport.storage.transaction import Transaction
from homeport.storage.writer import GroupCommitWriter


class PostgresqlStorage(Store):
    """Implements `port.Storage`, on the event loop that opened it. Made by `open`."""

    def __init__(self, pool: ReadPool, batches: PostgresqlBatches, *, sealer: Sealer, linger: float) -> None:
        writer: GroupCommitWriter[Transaction] = GroupCommitWriter(batches, linger=linger)
        super().__init__(pool.fetch, writer, sealer=sealer)
        self._pool = pool
        self._batches = batches

    @classmethod
    async def open(
        cls,
        url: DatabaseUrl,
        *,
        sealer: Sealer,
        clock: Clock,
        randomness: Randomness,
        linger: float = DEFAULT_LINGER,
        writer_name: str = "writer-0",
    ) -> Self:
        """Connect to a database that exists, and bring its schema up.

        `writer_name` names this process's audit chain: no two processes on one database should share it.

        Raises:
            StorageUnavailable: it cannot be reached.
            DatabaseTooNew: a newer homeport wrote it.
        """
        await migrate(url, clock)
        to_database = partial(connect, url)
        batches = PostgresqlBatches(to_database, sealer=sealer, chain=writer_name, randomness=randomness)
        return cls(ReadPool(to_database), batches, sealer=sealer, linger=linger)

    async def close(self) -> None:
        """Commit what is queued, then take leave of the server."""
        await self._writer.close()
        await self._pool.close()
        await self._batches.close()
