"""Every stored column is classified, and nothing is classified that is not stored: on each engine."""

import asyncio
from pathlib import Path

import pytest
from tests import postgresql
from tests.storage.material import is_postgresql, open_storage, tell

from homeport.customer_data.inventory import COLUMNS

OF_POSTGRESQL = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
OF_SQLITE = """
    SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'
"""


def stored_columns(database: str) -> set[tuple[str, str]]:
    async def make() -> None:
        await (await open_storage(database)).close()

    asyncio.run(make())
    lines = tell(database, OF_POSTGRESQL if is_postgresql(database) else OF_SQLITE)
    return {(table, column) for table, _, column in (line.partition("|") for line in lines)}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_inventory_is_the_schema(tmp_path: Path, engine: str) -> None:
    stored = stored_columns(postgresql.fresh_database() if engine == "postgresql" else str(tmp_path / "h.db"))
    classified = {(column.table, column.name) for column in COLUMNS}
    assert stored - classified == set(), "not classified in customer_data/inventory.py"
    assert classified - stored == set(), "classified, but not in the schema"
