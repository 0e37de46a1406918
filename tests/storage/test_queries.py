"""Every named query fits the schema, says what it is for, and searches instead of scanning."""

import re
import sqlite3
from importlib import resources
from pathlib import Path

import pytest
from tests.storage.material import StoppedClock

from homeport.storage.migrator import migrate
from homeport.storage.sql import load
from homeport.storage.sqlite_connections import open_writer

STORES = (
    *("enrollments", "ca_certificates", "registrations", "attestation_failures"),
    *("settings", "audit", "hub_devices"),
)
QUERIES = [(store, name) for store in STORES for name in load(store)]
# Small tables that are read whole, and the recursive walk over the chains' names.
MAY_SCAN = {("settings", "services"), ("registrations", "next_purge"), ("audit", "chains")}
# Not tables: the one row of the context's two parameters, and a batch that its LIMIT has cut.
NOT_TABLES = {"SCAN CONSTANT ROW", "SCAN q", "SCAN batch"}


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    connection = open_writer(tmp_path / "h.db", durable=False)
    migrate(connection, StoppedClock())
    return connection


@pytest.mark.parametrize(("store", "name"), QUERIES)
def test_every_query_fits_the_schema_and_uses_an_index(database: sqlite3.Connection, store: str, name: str) -> None:
    statement = load(store)[name]
    parameters = (None,) * statement.count("?")
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    database.close()
    if (store, name) not in MAY_SCAN:
        assert [step for step in plan if step.startswith("SCAN") and step not in NOT_TABLES] == []


@pytest.mark.parametrize("store", [*STORES, "connection", "schema"])
def test_every_block_has_a_line_of_purpose_and_is_used(store: str) -> None:
    text = resources.files("homeport.storage.sql").joinpath(f"{store}.sql").read_text("utf-8")
    sources = "".join(file.read_text("utf-8") for file in Path("src/homeport/storage").glob("*.py"))
    for name in load(store):
        assert re.search(rf"^-- name: {name}\n-- \S", text, re.MULTILINE), name
        assert f'"{name}"' in sources, name
