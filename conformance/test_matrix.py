"""The matrix and the tests agree: every cell is stated once, every "passes" has tests, every version is the one run."""

import json
import subprocess
import sys
from collections import Counter
from importlib import metadata

import pytest

from conformance import page
from conformance.judges import NODE, PROGRAMS, ROOT
from conformance.matrix import MATRIX, Client

PASSING = [cell for cell in MATRIX.cells if cell.status == "passes"]


@pytest.fixture(scope="module")
def collected() -> str:
    """The IDs of all tests of the suite, also when only this file is run."""
    call = [sys.executable, "-m", "pytest", "--collect-only", "-q", "conformance"]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("cell", PASSING, ids=lambda cell: f"claim-{cell}")
def test_every_claim_has_a_test(cell: object, collected: str) -> None:
    claims = [line for line in collected.splitlines() if f"[{cell}" in line or f"-{cell}" in line]
    assert [line for line in claims if "test_matrix" not in line and "test_not_offered" not in line]


@pytest.mark.parametrize("client", MATRIX.clients, ids=lambda client: client.id)
def test_every_combination_is_stated_once(client: Client) -> None:
    role = next(role for role in MATRIX.roles if role.id == client.role)
    stated = Counter((cell.transport, cell.attestation) for cell in client.cells)
    assert stated == Counter(
        (transport, attestation) for transport in role.transports for attestation in role.attestations
    )


@pytest.mark.parametrize("client", MATRIX.clients, ids=lambda client: client.id)
def test_a_cell_that_does_not_pass_has_a_reason(client: Client) -> None:
    assert all(bool(cell.reason) == (cell.status != "passes") for cell in client.cells)


@pytest.mark.parametrize("client", MATRIX.clients, ids=lambda client: client.id)
def test_versions_are_those_that_run(client: Client) -> None:
    node = json.loads((NODE / "package.json").read_text())["dependencies"]
    # What comes from the system's package manager has no version here.
    for name, version in (package.split() for package in client.packages if " " in package):
        assert version == (node[name] if client.language == "Node.js" else metadata.version(name))


def test_every_client_has_a_program() -> None:
    assert {client.id for client in MATRIX.clients} == set(PROGRAMS)


def test_the_page_is_up_to_date() -> None:
    assert page.main(["--check"]) == 0
