"""Every named query fits the schema of each engine, says what it is for, and searches instead of scanning."""

import asyncio
import re
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
from tests.storage.material import is_postgresql, open_storage, tell

from homeport.storage.postgresql_connections import in_postgresql
from homeport.storage.sql import load, load_for

STORES = (
    *("enrollments", "ca_certificates", "registrations", "attestation_failures"),
    *("settings", "audit", "hub_devices", "schema"),
)
QUERIES = [(store, name) for store in STORES for name in load(store) if name != "create_version_table"]
# Small tables that are read whole, and the recursive walk over the chains' names.
MAY_SCAN = {
    ("settings", "services"),
    ("registrations", "next_purge"),
    ("audit", "chains"),
    ("schema", "version"),
    ("schema", "probe_read"),
    ("schema", "has_versions"),
}
# Not tables: the one row of the context's two parameters, and a batch that its LIMIT has cut.
NOT_TABLES = {"SCAN CONSTANT ROW", "SCAN q", "SCAN batch"}


@pytest.fixture
def migrated(database: str) -> str:
    async def migrate() -> None:
        await (await open_storage(database)).close()

    asyncio.run(migrate())
    return database


def scans(database: str, statement: str) -> list[str]:
    """The steps of a query's plan that read a table from end to end."""
    if is_postgresql(database):
        return [step for step in plan_of(database, in_postgresql(statement)) if "Seq Scan on" in step]
    with closing(sqlite3.connect(database)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", (None,) * statement.count("?"))
        plan = [row[3] for row in steps]
    return [step for step in plan if step.startswith("SCAN") and step not in NOT_TABLES]


def plan_of(database: str, statement: str) -> list[str]:
    """PostgreSQL's plan for any parameters, told as the storage tells it that every statement has its index."""
    number = max(map(int, re.findall(r"\$(\d+)", statement)), default=0)
    parameters = f"({', '.join(['NULL'] * number)})" if number else ""
    rules = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"
    return tell(database, f"{rules}; PREPARE query AS {statement}; EXPLAIN EXECUTE query{parameters}")


@pytest.mark.parametrize(("store", "name"), QUERIES)
def test_every_query_fits_the_schema_and_uses_an_index(migrated: str, store: str, name: str) -> None:
    statement = load(store)[name]
    if is_postgresql(migrated):
        statement = load_for("postgresql", store).get(name, statement)
    found = scans(migrated, statement)
    if (store, name) not in MAY_SCAN:
        assert found == []


@pytest.mark.parametrize("name", load_for("postgresql", "bulk"))
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_every_statement_over_many_rows_uses_an_index(migrated: str, name: str) -> None:
    assert scans(migrated, load_for("postgresql", "bulk")[name]) == []


@pytest.mark.parametrize("store", [*STORES, "connection"])
def test_postgresql_has_its_own_text_only_for_queries_that_there_are(store: str) -> None:
    assert set(load_for("postgresql", store)) <= set(load(store))


@pytest.mark.parametrize("store", [*STORES, "connection"])
def test_every_block_has_a_line_of_purpose_and_is_used(store: str) -> None:
    text = resources.files("homeport.storage.sql").joinpath(f"{store}.sql").read_text("utf-8")
    sources = "".join(file.read_text("utf-8") for file in Path("src/homeport/storage").glob("*.py"))
    for name in load(store):
        assert re.search(rf"^-- name: {name}\n-- \S", text, re.MULTILINE), name
        assert f'"{name}"' in sources, name
