"""`homeport explain`: why was this device refused, or what became of it?"""

import asyncio
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from homeport.administration import explanations
from homeport.administration.explanations import Explanation, Step
from homeport.cli.data_directory import data_dir_option
from homeport.cli.local_storage import local_service
from homeport.errors import HomeportError
from homeport.model.identifiers import parse_registration_id


@click.command()
@click.argument("registration_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@data_dir_option
def explain(registration_id: str, as_json: bool, data_dir: Path) -> None:
    """Say step by step what happened to a device the last time, and what to change.

    A refusal is on record a second after it, with its exact cause, which the device itself is not told.
    """
    try:
        explanation = asyncio.run(_explain(data_dir, registration_id))
    except HomeportError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        click.echo(msgspec.json.encode(explanation).decode())
    else:
        print_explanation(explanation)


async def _explain(directory: Path, registration_id: str) -> Explanation:
    async with local_service(directory) as (storage, service):
        return await explanations.explain(storage, service.service_id, parse_registration_id(registration_id))


def print_explanation(explanation: Explanation) -> None:
    """Print for people: a table as wide as the terminal; lines that stay whole for a file or another program."""
    console = Console(file=sys.stdout, highlight=False)
    console.print(Text(_plain(explanation.verdict), style="bold"), soft_wrap=not console.is_terminal)
    if explanation.remedy:
        console.print(Text(_plain(f"What to do: {explanation.remedy}")), soft_wrap=not console.is_terminal)
    if console.is_terminal:
        console.print(_table(explanation))
        return
    for step in explanation.steps:
        click.echo(f"{step.title}: {_plain(_told(step))}")


def _table(explanation: Explanation) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for step in explanation.steps:
        table.add_row(step.title, Text(_plain(_told(step))))
    return table


def _told(step: Step) -> str:
    return step.finding + "".join(f"\n  {name}: {value}" for name, value in step.facts.items())


def _plain(text: str) -> str:
    """Names out of certificates are a stranger's words: no markup, and nothing that moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
