"""Copies a SQLite database into an empty PostgreSQL database: rows as they are, so that sealed columns stay sealed.

Table by table in the order of the keys, a page at a time. Each page goes in with the note of how far the copy has come,
in one transaction; so a copy that was interrupted, at whatever point, goes on behind the last page that is there. At
the end every table is read once more on both sides, and compared by the number of its rows and a hash over them; only
then is the note removed, and until then no server starts on the target (`postgresql_migrator.py`).

The source is nobody else's meanwhile (`opening.alone_with`): what a server wrote behind the copy's back would be lost.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from homeport.storage.opening import fetch_through
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import PostgresqlConnection
from homeport.storage.postgresql_errors import DRIVER_ERRORS, is_works_own_fault, unavailable
from homeport.storage.readers import Fetch
from homeport.storage.rows import Parameters, Row
from homeport.storage.sql import load, load_for
from homeport.storage.tables import TABLES, Table, counts, pages

Told = Callable[[str, int], object]
"""Called with a table's name and the number of rows that are done since the last time."""

_CONNECTION = {**load("connection"), **load_for("postgresql", "connection")}
_COPYING = load_for("postgresql", "copying")
_encode_row = msgspec.msgpack.Encoder().encode
_encode_key = msgspec.json.Encoder().encode
_decode_key = msgspec.json.Decoder(tuple[int | str, ...]).decode


class CopyRefused(Exception):
    """The target is not fit to be copied into; the message says why, and what to do."""


class Progress(msgspec.Struct, frozen=True):
    """How far a table is: the key of its last row that was copied, and how many there are."""

    last_key: Parameters
    copied: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A table on both sides: number of rows and hash over them, in the order of the key."""

    table: str
    source: tuple[int, bytes]
    target: tuple[int, bytes]

    @property
    def is_equal(self) -> bool:
        """Whether it was copied as it is."""
        return self.source == self.target


class Copy:
    """One copy. `begin`, then `run`, then `compare`, and `end` if all is equal; each may be repeated."""

    def __init__(self, source: Fetch, target: PostgresqlConnection) -> None:
        self._source = source
        self._target = target
        self._read_target = fetch_through(target)

    async def begin(self) -> Mapping[str, Progress]:
        """Note that a copy is under way, or read how far it has come.

        Raises:
            CopyRefused: the target holds something else than an unfinished copy of this source.
            StorageUnavailable: a database cannot be reached.
        """
        fingerprint = await self._fingerprint()
        if not (await self._read_target(_COPYING["is_under_way"], ()))[0][0]:
            await self._note_begin(fingerprint)
        found = await self._read_target(_COPYING["progress"], ())
        if any(source != fingerprint for _, source, _, _ in found):
            raise CopyRefused("The target holds an unfinished copy of another deployment; take another database.")
        return {table: Progress(_decode_key(last_key), copied) for table, _, last_key, copied in found}

    async def run(self, progress: Mapping[str, Progress], told: Told) -> None:
        """Copy what is missing.

        Raises:
            CopyRefused: another process copies into the same target, or a row cannot be copied.
            StorageUnavailable: a database cannot be reached; what was copied is there.
        """
        for table in TABLES:
            at = progress[table.name]
            async for page in pages(self._source, table, after=at.last_key):
                at = await self._copy_page(table, page, at)
                told(table.name, len(page))

    async def compare(self, told: Told) -> AsyncIterator[Comparison]:
        """Each table on both sides; `told` counts the rows of the source."""
        for table in TABLES:
            source = await _hash(self._source, table, told)
            target = await _hash(self._read_target, table, lambda *_: None)
            yield Comparison(table=table.name, source=source, target=target)

    async def end(self) -> None:
        """The copy is done; a server may start on the target."""
        await self._control(_COPYING["drop"])

    async def _fingerprint(self) -> bytes:
        """What tells a deployment from another: its services, with the time of their making."""
        return (await _hash(self._source, TABLES[0], lambda *_: None))[1]

    async def _note_begin(self, fingerprint: bytes) -> None:
        filled = [table for table, count in (await counts(self._read_target)).items() if count]
        if filled:
            raise CopyRefused(f"The target is not empty (it has rows in {', '.join(filled)}); take an empty database.")
        await self._control(_CONNECTION["begin"])
        await self._control(_COPYING["create"])
        for table in TABLES:
            await self._execute("begin_table", (table.name, fingerprint, _encode_key(table.first)))
        await self._control(_CONNECTION["commit"])

    async def _copy_page(self, table: Table, page: Sequence[Row], at: Progress) -> Progress:
        last_key = table.key(page[-1])
        await self._control(_CONNECTION["begin"])
        try:
            await self._target.copy_in(table.name, table.columns, page)
        except DRIVER_ERRORS as error:
            if not is_works_own_fault(error):
                raise unavailable(error) from error
            raise CopyRefused(f"A row of {table.name} cannot be copied: {error}.") from error
        advanced = await self._execute("advance", (table.name, _encode_key(last_key), len(page), at.copied))
        if advanced != 1:
            raise CopyRefused("Another process copies into the same target.")
        await self._control(_CONNECTION["commit"])
        return Progress(last_key, at.copied + len(page))

    async def _execute(self, name: str, parameters: Parameters) -> int:
        try:
            return (await self._target.execute(_COPYING[name], parameters)).rowcount
        except DRIVER_ERRORS as error:
            raise unavailable(error) from error

    async def _control(self, statement: str) -> None:
        try:
            said = await self._target.control(statement)
        except DRIVER_ERRORS as error:
            raise unavailable(error) from error
        if statement == _CONNECTION["commit"] and said != statement:
            raise StorageUnavailable("The target has rolled a transaction back.")


async def _hash(fetch: Fetch, table: Table, told: Told) -> tuple[int, bytes]:
    count, digest = 0, hashlib.sha256()
    async for page in pages(fetch, table):
        digest.update(b"".join(map(_encode_row, page)))
        count += len(page)
        told(table.name, len(page))
    return count, digest.digest()
