"""Every table as rows without meaning, in the order of its key: for copies, comparisons and checks of a whole database.

The statements are in `sql/tables.sql`; here is what they do not say of themselves. Counterpart: `rows.py`, which knows
what the rows mean.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from homeport.storage import rows
from homeport.storage.readers import Fetch
from homeport.storage.rows import Parameters, Row
from homeport.storage.sql import load

PAGE = 2_000
"""Rows that are read at once; some megabytes, where rows are wide."""

_TABLES = load("tables")


class Table(msgspec.Struct, frozen=True):
    """A table: its name, a key that stands before all of its keys, and the column that holds a sealed blob."""

    name: str
    first: Parameters
    sealed: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns in the order of its statement, those of the key first."""
        listed = _TABLES[self.name].partition("FROM")[0].removeprefix("SELECT")
        return tuple(column.strip() for column in listed.split(","))

    def key(self, row: Row) -> Row:
        """The key of one of its rows."""
        return row[: len(self.first)]


TABLES = (
    Table("services", (-1,)),
    Table("linked_hubs", (-1, "")),
    Table(rows.POLICIES, (-1, "", ""), "sealed_keys"),
    Table("group_versions", (-1,)),
    Table("ca_certificates", (-1, "")),
    Table(rows.INDIVIDUALS, (-1, ""), "sealed_keys"),
    Table(rows.GROUPS, (-1, ""), "sealed_keys"),
    Table("subjects", (-1, "")),
    Table("registrations", (-1, "")),
    Table(rows.HUB_DEVICES, (-1, "", ""), "sealed_keys"),
    Table(rows.CHALLENGES, (-1, ""), "sealed"),
    Table("attestation_failures", (-1, "")),
    Table("purges", (-1, "", -1)),
    Table("audit", ("", -1)),
)
"""All but `schema_version`, each behind those that it refers to."""


async def pages(
    fetch: Fetch, table: Table, *, after: Parameters | None = None, size: int = PAGE
) -> AsyncIterator[Sequence[Row]]:
    """The rows of a table behind a key, page by page.

    Raises:
        StorageUnavailable: they cannot be read.
    """
    key = table.first if after is None else after
    while page := await fetch(_TABLES[table.name], (*key, size)):
        yield page
        key = table.key(page[-1])


async def counts(fetch: Fetch) -> Mapping[str, int]:
    """How many rows each table has."""
    return dict(await fetch(_TABLES["counts"], ()))
