"""`homeport audit`: is the audit log whole?"""

import asyncio
from pathlib import Path

import click

from homeport.administration import audit_log
from homeport.cli.data_directory import data_dir_option
from homeport.cli.local_storage import local_service


@click.group()
def audit() -> None:
    """Verify the audit log."""


@audit.command()
@data_dir_option
def verify(data_dir: Path) -> None:
    """Walk each chain of the audit log and check every hash."""
    if not asyncio.run(_verify(data_dir)):
        raise click.ClickException("The audit log is not as it was written; restore it, and find out who changed it.")


async def _verify(directory: Path) -> bool:
    whole = True
    async with local_service(directory) as (storage, _):
        for chain in await storage.audit.chains():
            verdict = await audit_log.verify(storage.audit, chain)
            click.echo(f"{chain}: {verdict}")
            whole = whole and verdict.is_whole
    return whole
