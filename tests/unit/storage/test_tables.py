"""The list of tables is that of the schema, with every column, on both engines; pages come in the order of the key."""

import asyncio
from pathlib import Path

import pytest
from tests.storage.material import open_storage, put_record, put_service, tell

from homeport.storage.opening import reading
from homeport.storage.rows import Row
from homeport.storage.tables import TABLES, Table, counts, pages

COLUMNS = """
    SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'schema_version'
"""
KEYS = "SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk"
REGISTRATIONS = next(table for table in TABLES if table.name == "registrations")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    async def fill() -> None:
        storage = await open_storage(tmp_path / "h.db")
        await storage.apply([put_service(), *(put_record(each) for each in ("c", "A", "b"))])
        await storage.close()

    asyncio.run(fill())
    return tmp_path / "h.db"


def test_no_table_and_no_column_is_forgotten(file: Path) -> None:
    listed = {f"{table.name}|{column}" for table in TABLES for column in table.columns}
    assert listed == set(tell(file, COLUMNS))


def test_what_a_row_is_known_by_comes_first(file: Path) -> None:
    for table in TABLES:
        # Where a row has no primary key the same columns are UNIQUE; test_copying.py would find two of a key.
        if key := tell(file, KEYS.format(table.name)):
            assert list(table.columns[: len(table.first)]) == key, table.name


def test_pages_are_in_the_order_of_the_key_and_begin_behind_one(file: Path) -> None:
    async def read(size: int, after: Row | None = None) -> list[list[str]]:
        async with reading(file) as fetch:
            return [[row[1] for row in page] async for page in pages(fetch, REGISTRATIONS, after=after, size=size)]

    assert asyncio.run(read(2)) == [["a", "b"], ["c"]]
    assert asyncio.run(read(2, (1, "a"))) == [["b", "c"]]
    assert asyncio.run(read(2, (1, "c"))) == []


def test_rows_are_counted(file: Path) -> None:
    async def count() -> dict[str, int]:
        async with reading(file) as fetch:
            return dict(await counts(fetch))

    counted = asyncio.run(count())
    assert set(counted) == {table.name for table in TABLES}
    assert {name: number for name, number in counted.items() if number} == {"services": 1, "registrations": 3}


def test_a_table_has_its_key() -> None:
    assert Table("services", (-1,)).key((7, "scope")) == (7,)
