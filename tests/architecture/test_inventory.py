"""Every stored column is classified, and nothing is classified that is not stored."""

import sqlite3
from pathlib import Path

from tests.storage.material import StoppedClock

from homeport.customer_data.inventory import COLUMNS
from homeport.storage.migrator import migrate
from homeport.storage.sqlite_connections import open_writer


def stored_columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        (table, column[1])
        for (table,) in tables.fetchall()
        for column in connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
    }


def test_the_inventory_is_the_schema(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "h.db", durable=False)
    migrate(connection, StoppedClock())
    stored = stored_columns(connection)
    connection.close()
    classified = {(column.table, column.name) for column in COLUMNS}
    assert stored - classified == set(), "not classified in customer_data/inventory.py"
    assert classified - stored == set(), "classified, but not in the schema"
