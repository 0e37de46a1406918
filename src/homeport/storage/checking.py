"""Is a database whole? What can be found out by its rows, on either engine; each check says what it found wrong.

The audit log is verified elsewhere (`administration/audit_log.py`). Nothing here names a device.
"""

from collections.abc import Callable

from homeport.security.sealing import SealBroken, Sealer
from homeport.storage import rows
from homeport.storage.opening import pending
from homeport.storage.readers import Fetch
from homeport.storage.rows import Row
from homeport.storage.sql import load
from homeport.storage.tables import TABLES, Table, pages

Flaws = list[str]
Told = Callable[[int], object]
"""Called with the number of rows that have been looked at since the last time."""

SEALED = tuple(table for table in TABLES if table.sealed)
"""The tables with sealed columns."""

_CHECKING = load("checking")
_MISMATCHES = {
    "without_device": "assigned records have no device at their embedded hub; those devices have to register again",
    "without_subject": "records do not agree with the names of their subjects",
}


async def schema_flaws(fetch: Fetch, engine: str) -> Flaws:
    """Migrations that have not run. Raises DatabaseTooNew."""
    return [
        f"migration {step.version:04} {step.name} has not run; `homeport database migrate`"
        for step in await pending(fetch, engine)
    ]


async def engine_flaws(fetch: Fetch) -> Flaws:
    """What the engine finds wrong with its own structure, and rows that refer to nothing."""
    damage = [str(line) for (line,) in await fetch(_CHECKING["damage"], ())]
    dangling = await fetch(_CHECKING["dangling"], ())
    return [*damage, *(f"{count} rows of {table} refer to what is not there" for table, count in dangling)]


async def agreement_flaws(fetch: Fetch) -> Flaws:
    """Where registration records, the registries of embedded hubs and the names of subjects differ."""
    found = [(name, (await fetch(_CHECKING[name], ()))[0][0]) for name in _MISMATCHES]
    return [f"{count} {_MISMATCHES[name]}" for name, count in found if count]


async def seal_flaws(fetch: Fetch, sealer: Sealer, told: Told) -> Flaws:
    """Sealed columns that the sealing key does not open."""
    flaws = []
    for table in SEALED:
        broken, is_broken = 0, _judge(table, sealer)
        async for page in pages(fetch, table):
            broken += sum(map(is_broken, page))
            told(len(page))
        if broken:
            flaws.append(f"{broken} rows of {table.name} cannot be opened with this sealing key")
    return flaws


def _judge(table: Table, sealer: Sealer) -> Callable[[Row], bool]:
    place = table.columns.index(table.sealed or "")

    def is_broken(row: Row) -> bool:
        try:
            if row[place] is not None:
                sealer.open(row[place], rows.place(table.name, *table.key(row)))
        except SealBroken:
            return True
        return False

    return is_broken
