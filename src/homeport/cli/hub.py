"""`homeport hub`: what the embedded hub of the server on this machine has received."""

import json
import time
from pathlib import Path
from typing import Any

import click

from homeport.cli.client import Client, hub_client
from homeport.cli.data_directory import data_dir_option

_VERSION = "2021-04-12"
_PAUSE = 1.0


@click.group()
def hub() -> None:
    """Look at what the embedded hub has received."""


@hub.command()
@click.option("--after", type=int, default=0, show_default=True, help="Start behind this sequence number.")
@click.option("--top", type=click.IntRange(1, 1000), default=100, show_default=True, help="Print at most so many.")
@click.option("--follow", is_flag=True, help="Wait for more; Ctrl-C ends it.")
@data_dir_option
def events(after: int, top: int, follow: bool, data_dir: Path) -> None:
    """Print device-to-cloud messages, oldest first, one line of JSON each.

    The hub keeps the newest ones in memory; those that had to go are counted.
    """
    with hub_client(data_dir) as client:
        while True:
            page = _page(client, after, top)
            for event in page["events"]:
                click.echo(json.dumps(event))
                after = event["sequenceNumber"]
            if not follow:
                break
            time.sleep(_PAUSE)
    click.echo(f"{page['received']} received, {page['dropped']} dropped", err=True)


def _page(client: Client, after: int, top: int) -> dict[str, Any]:
    query = {"after": str(after), "top": str(top)}
    page: dict[str, Any] = client.call("GET", "/hub/events", query=query, version=_VERSION).json()
    return page
