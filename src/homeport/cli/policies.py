"""`homeport policies`: shared access policies, on the machine itself."""

import asyncio
import json
from pathlib import Path

import click

from homeport.administration.access_policies import AccessPolicies
from homeport.cli.data_directory import data_dir_option
from homeport.cli.local_storage import local_service
from homeport.clock import SystemClock, SystemRandomness
from homeport.deployment.first_start import connection_string
from homeport.errors import HomeportError
from homeport.model.access_policy import AccessRight
from homeport.storage.port import Storage, StorageUnavailable


@click.group()
def policies() -> None:
    """Create and list shared access policies.

    A policy is a name, two keys and rights; whoever holds a key may do what the rights say.
    """


@policies.command()
@click.argument("name")
@click.option("--rights", required=True, metavar="RIGHT[,RIGHT]", help=f"Of: {', '.join(AccessRight)}.")
@click.option("--hub", metavar="HOST", help="A policy of this embedded hub instead of the service.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def create(name: str, rights: str, hub: str | None, as_json: bool, data_dir: Path) -> None:
    """Create the policy NAME and print its connection string."""
    wanted = _parse_rights(rights)
    text = asyncio.run(_create(data_dir, name, wanted, hub))
    click.echo(json.dumps({"keyName": name, "connectionString": text}) if as_json else text)


@policies.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def list_policies(as_json: bool, data_dir: Path) -> None:
    """Print each policy's connection string and rights. These are secrets."""
    rows = asyncio.run(_list(data_dir))
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['connectionString']}\n    {row['rights']}")


def _parse_rights(text: str) -> frozenset[AccessRight]:
    try:
        return frozenset(AccessRight(word.strip()) for word in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{error}; choose from {', '.join(AccessRight)}.", param_hint="--rights") from error


async def _create(directory: Path, name: str, rights: frozenset[AccessRight], hub: str | None) -> str:
    async with local_service(directory) as (storage, service):
        try:
            await _verbs(storage).create(
                service.service_id, name, rights=rights, hub_host_name=hub, actor="command-line"
            )
        except HomeportError as error:
            raise click.ClickException(error.message) from error
        except StorageUnavailable as error:
            raise click.ClickException(str(error)) from error
        return await connection_string(storage, service, name, hub_host_name=hub)


async def _list(directory: Path) -> list[dict[str, str]]:
    async with local_service(directory) as (storage, service):
        rows = []
        hubs = [hub.host_name for hub in await storage.settings.linked_hubs(service.service_id)]
        for hub in (None, *hubs):
            for policy in await storage.settings.policies(service.service_id, hub):
                text = await connection_string(storage, service, policy.key_name, hub_host_name=hub)
                rows.append({"connectionString": text, "rights": ", ".join(sorted(policy.rights))})
        return rows


def _verbs(storage: Storage) -> AccessPolicies:
    return AccessPolicies(storage=storage, clock=SystemClock(), randomness=SystemRandomness())
