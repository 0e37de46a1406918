"""What a person needs next, once the server is ready; the keys are shortened, the ready file holds them whole."""

import sys

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from homeport.deployment.first_start import Deployment

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def print_summary(deployment: Deployment, ports: dict[str, int]) -> None:
    """Print the summary; a panel on a terminal, the same rows without colours elsewhere."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(deployment, ports):
        table.add_row(name, value)
    Console(file=sys.stdout, highlight=False).print(
        Panel(table, title="homeport is ready", subtitle="Ctrl-C stops it", expand=False)
    )


def _rows(deployment: Deployment, ports: dict[str, int]) -> list[tuple[str, str]]:
    listening = f"HTTPS {ports['https']}, MQTT {ports['mqtt']}, AMQP {ports['amqp']}"
    rows = [
        ("ID scope", deployment.id_scope),
        ("Device host", f"{deployment.device_host}  ({listening})"),
        ("Trust this CA", str(deployment.ca_file)),
        ("Enroll", "homeport enrollments create my-device"),
        ("Connection strings", "homeport policies list"),
        ("Telemetry", "homeport hub events"),
    ]
    if deployment.device_host in _LOCAL:
        rows.append(("Other machines", "start with --host NAME --bind 0.0.0.0 to let them in"))
    return rows
