"""`homeport enrollment-groups`: groups of devices, through the service API."""

import json
from pathlib import Path
from urllib.parse import quote

import click

from homeport.cli.certificate_file import EXISTING_FILE, certificate_text
from homeport.cli.client import service_client
from homeport.cli.data_directory import data_dir_option
from homeport.errors import HomeportError
from homeport.model.identifiers import parse_enrollment_group_id

_VERSION = "2021-10-01"
_SLOTS = ("primary", "secondary")


@click.group()
def enrollment_groups() -> None:
    """Create, list, show and delete enrollment groups of the server on this machine."""


@enrollment_groups.command()
@click.argument("group_id")
@click.option(
    "--signing-certificate",
    "signing",
    type=EXISTING_FILE,
    multiple=True,
    help="A CA's certificate that the devices' chains lead to; twice for a second one.",
)
@click.option(
    "--ca",
    "named",
    metavar="NAME",
    multiple=True,
    help="The same by its name in `homeport certificates list`; twice for a second one.",
)
@click.option("--allow-expired-certificates", "allow_expired", is_flag=True, help="Let devices in past the end.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole group.")
@data_dir_option
def create(
    group_id: str, signing: tuple[Path, ...], named: tuple[str, ...], allow_expired: bool, as_json: bool, data_dir: Path
) -> None:
    """Create the group GROUP_ID.

    Without certificates its devices prove themselves by keys that are derived from the group's; its primary key is
    printed.
    """
    body = {"enrollmentGroupId": group_id, "attestation": _attestation(signing, named, allow_expired)}
    with service_client(data_dir) as client:
        answer = client.call("PUT", _path(group_id), body=body, version=_VERSION)
    keys = answer.json()["attestation"].get("symmetricKey")
    if as_json or keys:
        click.echo(answer.text if as_json else keys["primaryKey"])


@enrollment_groups.command("list")
@data_dir_option
def list_groups(data_dir: Path) -> None:
    """Print each group as one line of JSON, without keys and certificates."""
    with service_client(data_dir) as client:
        for group in client.every("/enrollmentGroups/query", version=_VERSION):
            click.echo(json.dumps(group))


@enrollment_groups.command()
@click.argument("group_id")
@data_dir_option
def show(group_id: str, data_dir: Path) -> None:
    """Print the group GROUP_ID without keys and certificates."""
    with service_client(data_dir) as client:
        found = client.call("GET", _path(group_id), version=_VERSION)
    click.echo(json.dumps(found.json(), indent=2))


@enrollment_groups.command()
@click.argument("group_id")
@data_dir_option
def delete(group_id: str, data_dir: Path) -> None:
    """Delete the group GROUP_ID and its devices' registration records; the hub keeps the devices."""
    with service_client(data_dir) as client:
        client.call("DELETE", _path(group_id), version=_VERSION)


def _attestation(signing: tuple[Path, ...], named: tuple[str, ...], allow_expired: bool) -> dict[str, object]:
    if max(len(signing), len(named)) > len(_SLOTS):
        raise click.UsageError("A group has a primary and a secondary, no third.")
    if signing and named:
        raise click.UsageError("Give either --signing-certificate or --ca, not both.")
    if not signing and not named:
        if allow_expired:
            raise click.UsageError("--allow-expired-certificates is for groups by certificate.")
        return {"type": "symmetricKey"}
    # Zipped as far as there are certificates: a group may have one alone.
    certificates = {slot: {"certificate": certificate_text(file)} for slot, file in zip(_SLOTS, signing, strict=False)}
    names = dict(zip(_SLOTS, named, strict=False))
    member = {"signingCertificates": certificates} if signing else {"caReferences": names}
    return {"type": "x509", "x509": {**member, "allowExpiredCertificates": allow_expired}}


def _path(group_id: str) -> str:
    try:
        return f"/enrollmentGroups/{quote(parse_enrollment_group_id(group_id), safe='')}"
    except HomeportError as error:
        raise click.BadParameter(error.message, param_hint="GROUP_ID") from error
