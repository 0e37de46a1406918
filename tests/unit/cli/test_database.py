"""`homeport database`: migrate, check and copy, as an operator sees them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests import postgresql
from tests.unit.cli.terminal import Terminal

from homeport.cli.main import main


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A deployment on SQLite, and no server."""
    made = Terminal(tmp_path / "data")
    made.out("init", "--host", "dps.test")
    return made


@pytest.fixture
def url() -> Iterator[str]:
    made = postgresql.fresh_database()
    yield made
    postgresql.give_back(made)


def tell(terminal: Terminal, *statements: str) -> None:
    """Change the database behind the program's back."""
    with closing(sqlite3.connect(terminal.data_dir / "homeport.db", isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def copy(source: Path, url: str) -> Result:
    return CliRunner().invoke(main, ["database", "copy", "--from", str(source), "--to", url])


def test_a_schema_that_is_up_to_date(terminal: Terminal) -> None:
    assert terminal.out("database", "migrate") == "The schema is up to date."


def test_what_would_run_is_told_and_not_done_and_then_it_is(terminal: Terminal) -> None:
    tell(terminal, "DROP TABLE attestation_failures", "DELETE FROM schema_version WHERE version = 5")
    step = "0005 attestation_failures"
    assert terminal.out("database", "migrate", "--dry-run") == f"to run: {step}"
    assert "has not run" in terminal.run("database", "check").stdout
    assert terminal.out("database", "migrate").splitlines() == [f"run: {step}", "The schema is at version 5."]
    assert terminal.out("database", "migrate") == "The schema is up to date."


def test_a_database_that_is_whole(terminal: Terminal) -> None:
    lines = terminal.out("database", "check").splitlines()
    assert lines[:5] == [
        "schema: good",
        "structure: good",
        "records and registries: good",
        "sealed columns: good",
        "audit log: good",
    ]
    assert "policies: 2 rows" in lines


def test_a_database_beside_its_server(at_server: Terminal) -> None:
    at_server.out("enrollments", "create", "checked")
    assert "sealed columns: good" in at_server.out("database", "check")


def test_what_is_wrong_is_said_and_ends_with_1(terminal: Terminal) -> None:
    tell(
        terminal,
        "DROP TRIGGER audit_refuses_update",
        "UPDATE audit SET body = CAST(replace(body, 'system', 'nobody') AS BLOB) WHERE sequence = 2",
        "UPDATE policies SET sealed_keys = x'00'",
    )
    result = terminal.run("database", "check")
    assert result.exit_code == 1
    assert "sealed columns: 2 rows of policies cannot be opened with this sealing key" in result.stdout
    assert "audit log: chain command-line is broken at entry 2" in result.stdout
    assert "not as it should be" in result.stderr


def test_a_configuration_elsewhere(terminal: Terminal) -> None:
    config = terminal.data_dir / "homeport.toml"
    assert "up to date" in Terminal(Path("nowhere")).out("database", "migrate", "--config", str(config))


def test_a_file_that_is_gone(terminal: Terminal) -> None:
    (terminal.data_dir / "homeport.db").unlink()
    assert "is missing" in terminal.error("database", "migrate")
    assert "is missing" in terminal.error("database", "check")


@pytest.mark.parametrize("source", [".", "homeport.db", "homeport.toml"])
def test_a_copy_is_equal_and_says_what_to_configure(terminal: Terminal, url: str, source: str) -> None:
    result = copy(terminal.data_dir / source, url)
    assert result.exit_code == 0, result.output
    assert "policies: 2 rows, equal" in result.stdout
    assert f'url = "{url.replace(postgresql.PASSWORD, "***")}"' in result.stdout
    assert postgresql.PASSWORD not in result.output
    config = terminal.data_dir / "homeport.toml"
    config.write_text(config.read_text().replace('path = "homeport.db"', f'url = "{url}"'))
    assert "sealed columns: good" in terminal.out("database", "check")
    assert "only SQLite is copied" in copy(terminal.data_dir, url).stderr


def test_a_copy_into_a_database_that_is_in_use(terminal: Terminal, url: str) -> None:
    assert copy(terminal.data_dir, url).exit_code == 0
    again = copy(terminal.data_dir, url)
    assert again.exit_code == 1
    assert "not empty" in again.stderr


def test_a_copy_beside_a_running_server(at_server: Terminal, url: str) -> None:
    refused = copy(at_server.data_dir, url)
    assert refused.exit_code != 0
    assert ("only SQLite is copied" if postgresql.is_chosen() else "stop the server first") in refused.stderr


def test_a_copy_of_an_older_schema(terminal: Terminal, url: str) -> None:
    tell(terminal, "DROP TABLE attestation_failures", "DELETE FROM schema_version WHERE version = 5")
    assert "homeport database migrate" in copy(terminal.data_dir, url).stderr


def test_a_target_that_is_no_url_or_no_server(terminal: Terminal) -> None:
    assert "postgresql://" in copy(terminal.data_dir, "db.example").stderr
    assert "No connection" in copy(terminal.data_dir, "postgresql://127.0.97.250:1/none").stderr
