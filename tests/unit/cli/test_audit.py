"""`homeport audit verify`: says whole of what is whole, and points at what is not."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.unit.cli.terminal import Terminal


def initialised(directory: Path) -> Terminal:
    """A deployment with a few entries in its log, and no server."""
    terminal = Terminal(directory / "data")
    terminal.out("init", "--host", "dps.test")
    terminal.out("policies", "create", "reader", "--rights", "EnrollmentRead")
    return terminal


def test_each_chain_of_a_running_server_is_whole(at_server: Terminal) -> None:
    at_server.out("enrollments", "create", "audited")
    lines = at_server.out("audit", "verify").splitlines()
    chains = {line.partition(":")[0] for line in lines} - {"command-line"}
    # One for each worker, by the node's name.
    assert chains
    assert all(name.startswith(f"{socket.gethostname()}-") for name in chains)
    assert all(": whole: " in line for line in lines)


def test_a_changed_entry_is_pointed_at(tmp_path: Path) -> None:
    terminal = initialised(tmp_path)
    assert "whole" in terminal.out("audit", "verify")
    with closing(sqlite3.connect(terminal.data_dir / "homeport.db")) as database:
        database.execute("DROP TRIGGER audit_refuses_update")
        database.execute("UPDATE audit SET body = CAST(replace(body, 'system', 'nobody') AS BLOB) WHERE sequence = 2")
        database.commit()
    result = terminal.run("audit", "verify")
    assert result.exit_code == 1
    assert "broken at entry 2" in result.stdout
    assert "find out who changed it" in result.stderr


def test_without_a_deployment_it_tells_how_to_start_one(nowhere: Terminal) -> None:
    assert "homeport up" in nowhere.error("audit", "verify")
