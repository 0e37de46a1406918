"""The conformance matrix as values: which client does what over which transport with which attestation.

`matrix.toml` is the one home of these facts. Tests ask `passing(role)` for the cells that they must prove, `page.py`
renders the whole. This module knows neither a server nor a client program.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUSES = ("passes", "not offered", "known gap")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One client over one transport with one attestation, and what is known about it."""

    client: str
    role: str
    transport: str
    attestation: str
    status: str
    reason: str

    def __str__(self) -> str:
        """The cell's name inside test IDs."""
        return ".".join(
            part.replace(" ", "_").replace(".", "") for part in (self.client, self.transport, self.attestation)
        )


@dataclass(frozen=True, kw_only=True)
class Role:
    """A job that clients do, with the axes on which its cells lie."""

    id: str
    title: str
    transports: list[str]
    attestations: list[str]


@dataclass(frozen=True, kw_only=True)
class Client:
    """One of Microsoft's clients: the packages that make it up and its cells."""

    id: str
    role: str
    language: str
    packages: list[str]
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Everything in `matrix.toml`."""

    roles: tuple[Role, ...]
    clients: tuple[Client, ...]
    unjudged: tuple[tuple[str, str], ...]

    @property
    def cells(self) -> Iterator[Cell]:
        return (cell for client in self.clients for cell in client.cells)


def load(path: Path) -> Matrix:
    """Read the matrix. Raises: KeyError or ValueError for a file that is not one."""
    document = tomllib.loads(path.read_text())
    return Matrix(
        roles=tuple(Role(id=name, **axes) for name, axes in document["roles"].items()),
        clients=tuple(_client(client) for client in document["clients"]),
        unjudged=tuple((entry["name"], entry["reason"]) for entry in document["unjudged"]),
    )


def _client(client: dict[str, Any]) -> Client:
    return Client(
        id=client["id"],
        role=client["role"],
        language=client["language"],
        packages=client["packages"],
        note=client.get("note", ""),
        cells=tuple(cell for row in client["rows"] for cell in _cells(client, row)),
    )


def _cells(client: dict[str, Any], row: dict[str, Any]) -> Iterator[Cell]:
    if row["status"] not in STATUSES:
        raise ValueError(f"{client['id']}: status {row['status']!r} is none of {STATUSES}")
    for transport in row["transports"]:
        for attestation in row["attestations"]:
            yield Cell(
                client=client["id"],
                role=client["role"],
                transport=transport,
                attestation=attestation,
                status=row["status"],
                reason=row.get("reason", ""),
            )


MATRIX = load(Path(__file__).with_name("matrix.toml"))


def passing(role: str, attestation: str | None = None) -> list[Cell]:
    """The cells of a role that must be proven, perhaps of one attestation only."""
    return [
        cell
        for cell in MATRIX.cells
        if cell.role == role and cell.status == "passes" and attestation in (None, cell.attestation)
    ]
