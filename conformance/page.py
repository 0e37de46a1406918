"""Writes `docs/reference/conformance.md` from the matrix: `python -m conformance.page`, with `--check` only compares.

The page is for people who want to know whether their client works; `matrix.toml` is where to change it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from conformance.matrix import MATRIX, Cell, Client, Matrix, Role

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "conformance.md"
MARK = {"passes": "✅ passes", "not offered": "— not offered", "known gap": "○ known gap"}
INTRODUCTION = """\
<!-- Generated from conformance/matrix.toml by `python -m conformance.page`. Do not edit. -->

# Conformance

Which clients work with homeport: Microsoft's SDKs, and MQTT and AMQP clients by themselves. All are unmodified packages
from the ordinary registries.

- **✅ passes**: proven by the suite in `conformance/` on every run (`make conformance`).
- **— not offered**: the client itself cannot do this; the suite proves that too.
- **○ known gap**: the client can, homeport does not yet.

A number in brackets points to the reason below the table.
"""


def render(matrix: Matrix) -> str:
    """The whole page as Markdown."""
    sections = [INTRODUCTION, *(_role(matrix, role) for role in matrix.roles), _unjudged(matrix)]
    return "\n".join(sections)


def _role(matrix: Matrix, role: Role) -> str:
    clients = (client for client in matrix.clients if client.role == role.id)
    return "\n".join([f"## {role.title}\n", *(_client(client, role) for client in clients)])


def _client(client: Client, role: Role) -> str:
    reasons = list(dict.fromkeys(cell.reason for cell in client.cells if cell.reason))
    return "\n".join(
        [
            f"### {client.language}: `{client.packages[0]}`\n",
            *_packages(client),
            *_table(client, role, reasons),
            "",
            *(f"{number}. {reason}." for number, reason in enumerate(reasons, 1)),
            "",
            *([client.note, ""] if client.note else []),
        ]
    )


def _packages(client: Client) -> Iterator[str]:
    if client.packages[1:]:
        yield "With " + ", ".join(f"`{package}`" for package in client.packages[1:]) + ".\n"


def _table(client: Client, role: Role, reasons: list[str]) -> Iterator[str]:
    yield "| | " + " | ".join(role.attestations) + " |"
    yield "|---" * (len(role.attestations) + 1) + "|"
    found = {(cell.transport, cell.attestation): cell for cell in client.cells}
    for transport in role.transports:
        cells = (_mark(found[transport, attestation], reasons) for attestation in role.attestations)
        yield f"| {transport} | " + " | ".join(cells) + " |"


def _mark(cell: Cell, reasons: list[str]) -> str:
    """The status, with the number of its reason in the list below the table."""
    return f"{MARK[cell.status]} ({reasons.index(cell.reason) + 1})" if cell.reason else MARK[cell.status]


def _unjudged(matrix: Matrix) -> str:
    return "\n".join(["## Not judged here\n", *(f"- {name}: {reason}." for name, reason in matrix.unjudged), ""])


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` return 1 when the one on disk is stale."""
    page = render(MATRIX)
    if "--check" not in arguments:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page)
        return 0
    if PAGE.exists() and PAGE.read_text() == page:
        return 0
    print(f"{PAGE} is stale; run: python -m conformance.page", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
